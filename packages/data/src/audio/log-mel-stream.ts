import { type FloatTensor, float32, KdcError } from "@kdc-mae/core";
import { soundBuffer } from "../film/pcm-stream.js";
import { expectFinite, type LogMelOptions, planOf } from "./log-mel.js";

/** The log-mel of a sound that comes in parts: every frame is made once, when its last sample is there. */
export type LogMelStream = {
  /** How many samples have come. */
  readonly end: number;
  /**
   * Takes the samples that come next, mono, at the front end's rate.
   *
   * @throws KdcError (`not-finite`) for samples that are NaN or infinite
   */
  add(samples: Float32Array): void;
  /**
   * Log-mel of samples `from` to `to`, which must have come and not been let go: `[1 + floor((T − length) / shift), melBins]`.
   *
   * @throws KdcError (`too-short`) where not one frame fits
   */
  between(from: number, to: number): FloatTensor;
  /** Lets go of what comes before a sample. */
  drop(before: number): void;
};

/**
 * Makes a {@link LogMelStream}. Its values are those of `logMel` to rounding: that takes the mean of the whole waveform
 * away first, which every frame's own mean takes with it.
 *
 * Frames lie where the first stretch that was asked for begins, and every `frameShiftMs` from there. A stretch that begins
 * between them has its frames made anew.
 */
export function createLogMelStream(options: LogMelOptions): LogMelStream {
  const { melBins, sampleRate } = options;
  const { length, shift, write } = planOf(options);
  const [sound, values] = [soundBuffer(), soundBuffer()];
  // Frame 0 begins at this sample; `values` counts from it.
  let origin = 0;
  const made = () => values.end / melBins;

  /** Makes the frames that are all there. */
  const catchUp = (): void => {
    // Of what was let go no frame is made any more.
    const base = sound.end - sound.held;
    if (origin + made() * shift < base) beginAt(origin + Math.ceil((base - origin) / shift) * shift);
    const from = origin + made() * shift;
    const frames = Math.floor((sound.end - from - length) / shift) + 1;
    if (frames < 1) return;
    const out = new Float32Array(frames * melBins);
    write(sound.slice(from, from + (frames - 1) * shift + length), frames, out);
    values.add(out);
  };
  const beginAt = (sample: number): void => {
    values.drop(values.end);
    // The next frame is a whole number of shifts after `origin`.
    origin = sample - made() * shift;
  };

  return {
    get end() {
      return sound.end;
    },
    add(samples) {
      expectFinite("log-mel of a stream", { samples, sampleRate }, sound.end);
      sound.add(samples);
      catchUp();
    },
    between(from, to) {
      if (to - from < length) {
        throw new KdcError({
          where: "log-mel of a stream",
          what: `${to - from} samples were asked for and one analysis frame needs ${length} at ${sampleRate} Hz`,
          remedy: "Ask for a longer stretch",
          reason: "too-short",
        });
      }
      const frames = 1 + Math.floor((to - from - length) / shift);
      const first = (from - origin) / shift;
      const known = values.end - values.held;
      if (!Number.isInteger(first) || first * melBins < known || first > made()) beginAt(from);
      catchUp();
      const at = ((from - origin) / shift) * melBins;
      return float32([frames, melBins], values.slice(at, at + frames * melBins));
    },
    drop(before) {
      sound.drop(before);
      values.drop(Math.max(0, Math.ceil((before - origin) / shift)) * melBins);
    },
  };
}
