import type { FloatTensor, PatchGrid, Waveform } from "@kdc-mae/core";
import { invertLogMel, type LogMelOptions } from "@kdc-mae/data";

/** How long the change from what was heard to what was filled in takes, seconds. */
const FADE = 0.01;

/**
 * The sound of a window with its hole filled: found for the mended log-mel where any patch of the moment was hidden, as
 * it was elsewhere.
 *
 * @param mended `[T, melBins]`, in log-mel units; frames after the sound's end are not looked at
 * @param hidden places in the audio grid
 */
export function mendSound(
  sound: Waveform,
  mended: FloatTensor,
  { hidden, grid, logMel }: { readonly hidden: Int32Array; readonly grid: PatchGrid; readonly logMel: LogMelOptions },
): Waveform {
  const { sampleRate, melBins, frameLengthMs, frameShiftMs } = logMel;
  const [length, shift] = [frameLengthMs, frameShiftMs].map((ms) => Math.floor((sampleRate * ms) / 1000));
  const frames = Math.min(mended.shape[0], 1 + Math.floor((sound.samples.length - length) / shift));
  const gone = new Set(Array.from(hidden, (place) => place % grid.columns));
  const share = new Float32Array(sound.samples.length);
  for (const column of gone) {
    const [from, to] = [column * grid.patch, Math.min(frames, (column + 1) * grid.patch)];
    if (from < to) share.fill(1, from * shift, (to - 1) * shift + length);
  }
  const data = mended.data.subarray(0, frames * melBins);
  const { samples: made } = invertLogMel({ ...mended, shape: [frames, melBins], data }, logMel);
  const step = 1 / (FADE * sampleRate);
  // The way in and out: no sample's share is more than a step above either neighbour's.
  for (let n = 1; n < share.length; n++) share[n] = Math.min(share[n], share[n - 1] + step);
  for (let n = share.length - 2; n >= 0; n--) share[n] = Math.min(share[n], share[n + 1] + step);
  const samples = sound.samples.map((value, n) => value + share[n] * ((made[n] ?? value) - value));
  return { samples, sampleRate };
}
