import { createRng } from "@kdc-mae/core";
import { type BootstrapOptions, type Interval, percentiles, resamplesOf } from "../bootstrap.js";

/** Clips whose highest probability lies in (low, high]. `accuracy` and `confidence` are 0 for an empty bin. */
export type CalibrationBin = {
  readonly low: number;
  readonly high: number;
  readonly clips: number;
  readonly confidence: number;
  readonly accuracy: number;
};

const binOf = (confidence: number, binCount: number): number =>
  Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1));

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
    const bin = binOf(confidence[i], binCount);
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

/**
 * The interval of the calibration error of as many clips, by inverting a bootstrap test (Carpenter 1999). The error is
 * Σ |g| of the bins' gaps g; gaps that are chance alone raise it, and a plain resample doubles that. So resamples are
 * drawn of models whose gaps are λ times those seen, each with the noise of resampled clips, and the interval is from the
 * mean error of the λ under which an error as high as the one seen is barely likely to that of the λ under which one as
 * low is. Where even a calibrated model (λ = 0) is likely to have it, that model's own distance from its mean is taken.
 *
 * @param confidence highest probability of each clip, 0–1
 * @param correct 1 where the most probable kind is the label, else 0
 */
export function calibrationInterval(
  confidence: ArrayLike<number>,
  correct: ArrayLike<number>,
  options: BootstrapOptions = {},
  binCount = 15,
): Interval {
  const clips = confidence.length;
  const bins = Int32Array.from(confidence, (value) => binOf(value, binCount));
  const gaps = Float64Array.from(confidence, (value, clip) => correct[clip] - value);
  const gapsOf = (counts?: Int32Array): Float64Array => {
    const sums = new Float64Array(binCount);
    for (let clip = 0; clip < clips; clip++) sums[bins[clip]] += (counts?.[clip] ?? 1) * gaps[clip];
    return sums;
  };
  const seen = gapsOf();
  const noises = Array.from(resamplesOf(clips, options), (counts) => {
    // Of whole recordings a resample may hold more clips, or fewer: its gaps are those of as many clips as there are.
    const scale = clips / counts.reduce((sum, count) => sum + count, 0);
    return gapsOf(counts).map((sum, bin) => scale * sum - seen[bin]);
  });
  const error = seen.reduce((sum, gap) => sum + Math.abs(gap), 0) / clips;
  const errors = new Float64Array(noises.length);
  const under = (scale: number) => {
    let mean = 0;
    for (let r = 0; r < noises.length; r++) {
      let size = 0;
      for (let bin = 0; bin < binCount; bin++) size += Math.abs(noises[r][bin] + scale * seen[bin]);
      errors[r] = size / clips;
      mean += errors[r] / noises.length;
    }
    return { mean, ...percentiles(errors.sort(), clips, options) };
  };
  const calibrated = under(0);
  if (Number.isNaN(calibrated.low)) return { low: Number.NaN, high: Number.NaN, level: calibrated.level, resamples: 0 };
  const endWhere = (end: "low" | "high"): number => {
    if (calibrated[end] >= error) return error + calibrated.mean - calibrated[end];
    let [below, above] = [0, 1];
    while (under(above)[end] < error) [below, above] = [above, 2 * above];
    for (let halving = 0; halving < 16; halving++) {
      const middle = (below + above) / 2;
      if (under(middle)[end] < error) below = middle;
      else above = middle;
    }
    return under(above).mean;
  };
  const within = (value: number) => Math.min(1, Math.max(0, value));
  const { level, resamples } = calibrated;
  return { low: within(endWhere("high")), high: within(endWhere("low")), level, resamples };
}
