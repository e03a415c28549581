import { createRng } from "@kdc-mae/core";

/** Clips whose highest probability lies in (low, high]. `accuracy` and `confidence` are 0 for an empty bin. */
export type CalibrationBin = {
  readonly low: number;
  readonly high: number;
  readonly clips: number;
  readonly confidence: number;
  readonly accuracy: number;
};

/**
 * Expected calibration error (Guo et al. 2017): |accuracy − mean confidence| of equal bins, weighted by their clips.
 *
 * @param confidence highest probability of each clip, 0–1
 * @param correct 1 where the most probable kind is the label, else 0
 * @param counts how often each clip counts, for the bootstrap
 */
export function calibration(
  confidence: ArrayLike<number>,
  correct: ArrayLike<number>,
  binCount = 15,
  counts?: Int32Array,
): { readonly error: number; readonly bins: readonly CalibrationBin[] } {
  const clips = new Float64Array(binCount);
  const sums = new Float64Array(binCount);
  const hits = new Float64Array(binCount);
  for (let i = 0; i < confidence.length; i++) {
    const bin = Math.min(binCount - 1, Math.max(0, Math.ceil(confidence[i] * binCount) - 1));
    const times = counts === undefined ? 1 : counts[i];
    clips[bin] += times;
    sums[bin] += times * confidence[i];
    hits[bin] += times * correct[i];
  }
  const bins = Array.from(clips, (count, bin) => ({
    low: bin / binCount,
    high: (bin + 1) / binCount,
    clips: count,
    confidence: count === 0 ? 0 : sums[bin] / count,
    accuracy: count === 0 ? 0 : hits[bin] / count,
  }));
  const error = bins.reduce((sum, bin) => sum + bin.clips * Math.abs(bin.accuracy - bin.confidence), 0);
  return { error: error / clips.reduce((sum, count) => sum + count, 0), bins };
}

/**
 * The calibration error that a perfectly calibrated model has at this number of clips: the mean over draws in which
 * every clip is right with the probability of its confidence. Above 0, the more so the fewer the clips are.
 */
export function calibratedError(confidence: ArrayLike<number>, draws = 200): number {
  const rng = createRng("calibrated");
  const correct = new Uint8Array(confidence.length);
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    for (let i = 0; i < correct.length; i++) correct[i] = rng.uniform() < confidence[i] ? 1 : 0;
    sum += calibration(confidence, correct).error;
  }
  return sum / draws;
}
