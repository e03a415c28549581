import { expectShape, type FloatTensor, float32, KdcError } from "@kdc-mae/core";

/** How long a clip is and how much of it goes with a picture, spectrogram frames, and how far apart these are, ms. */
type Windowed = { readonly frames: number; readonly window?: number; readonly frameShiftMs: number };

/**
 * Where the stretch of sound begins that goes with a picture, spectrogram frames: centred on it, moved inwards at the
 * ends of the clip (CAV-MAE Sync, Araujo et al. 2025: max(0, t − L/2), and T − L at the end). 0 where there is no window.
 *
 * @param time of the picture, seconds into the clip
 */
export function windowStart({ frames, window = frames, frameShiftMs }: Windowed, time: number): number {
  const middle = Math.round((1000 * time) / frameShiftMs);
  return Math.max(0, Math.min(frames - window, middle - Math.floor(window / 2)));
}

/**
 * The stretch of a clip's spectrogram that goes with a picture; all of it where the form has no window.
 *
 * @param spectrogram `[frames, melBins]`, padded
 * @param time of the picture, seconds into the clip
 * @returns `[window, melBins]`
 * @throws KdcError (`no-time`) where nobody says when the picture was taken
 */
export function besidePicture(spectrogram: FloatTensor, form: Windowed, time: number | undefined): FloatTensor {
  const { window } = form;
  if (window === undefined) return spectrogram;
  const { M } = expectShape("besidePicture", "spectrogram", spectrogram, "T M", { T: form.frames });
  if (time === undefined || !Number.isFinite(time)) {
    throw new KdcError({
      where: "sound beside a picture",
      what: "the clip does not say when its picture was taken, and each picture goes with the sound around it",
      remedy: "Prepare the set again (its samples then hold times), or leave visual.window out",
      reason: "no-time",
    });
  }
  const start = windowStart(form, time);
  return float32([window, M], spectrogram.data.slice(start * M, (start + window) * M));
}
