import { type FloatTensor, float32, KdcError, type Rng, type Waveform } from "@kdc-mae/core";

/**
 * Share λ of the first clip, drawn from Beta(alpha, alpha) (Zhang et al. 2018). Gamma variates by Marsaglia & Tsang
 * (2000), which needs alpha ≥ 1; the reference recipes use 10.
 */
export function drawMixupShare(alpha: number, rng: Rng): number {
  if (!(alpha >= 1)) {
    throw new KdcError({
      where: "drawMixupShare",
      what: `alpha is ${alpha}`,
      remedy: "Give a value of at least 1; 10 is usual",
      reason: "option",
    });
  }
  const first = drawGamma(alpha, rng);
  return first / (first + drawGamma(alpha, rng));
}

function drawGamma(alpha: number, rng: Rng): number {
  const d = alpha - 1 / 3;
  for (;;) {
    const x = rng.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/**
 * λ · first + (1 − λ) · second, each without its mean, and the mean of the mixture removed again. The second is
 * repeated by nothing: where it is shorter it is padded with silence, where longer it is cut.
 */
export function mixWaveforms(first: Waveform, second: Waveform, share: number): Waveform {
  if (first.sampleRate !== second.sampleRate) {
    throw new KdcError({
      where: "mixWaveforms",
      what: `the sounds have ${first.sampleRate} Hz and ${second.sampleRate} Hz`,
      remedy: "Resample one of them first",
      reason: "sample-rate",
    });
  }
  const [a, b] = [withoutMean(first.samples), withoutMean(second.samples)];
  const mixed = a.map((value, index) => share * value + (1 - share) * (b[index] ?? 0));
  return { sampleRate: first.sampleRate, samples: withoutMean(mixed) };
}

function withoutMean(samples: Float32Array): Float32Array {
  let sum = 0;
  for (const value of samples) sum += value;
  const mean = sum / Math.max(1, samples.length);
  return samples.map((value) => value - mean);
}

/** λ · first + (1 − λ) · second at every value; both of one shape. */
export function mixPictures(first: FloatTensor, second: FloatTensor, share: number): FloatTensor {
  if (first.shape.join() !== second.shape.join()) {
    throw new KdcError({
      where: "mixPictures",
      what: `the pictures have shapes [${first.shape.join(", ")}] and [${second.shape.join(", ")}]`,
      remedy: "Fit both to one size first",
      reason: "shape",
    });
  }
  return float32(
    first.shape,
    first.data.map((value, index) => share * value + (1 - share) * second.data[index]),
  );
}

/** Class numbers of a clip, and how much of the clip is in the mixture. */
export type SharedLabels = { readonly labels: readonly number[]; readonly share: number };

/**
 * Soft target over `classes`: ε / classes everywhere; alone, a clip's labels are set to 1 − ε; in a mixture each
 * clip's labels gain share · (1 − ε).
 *
 * @param parts one part with share 1, or the parts of a mixture
 * @param smoothing ε
 * @returns `[classes]`
 */
export function labelTarget(parts: readonly SharedLabels[], classes: number, smoothing: number): Float32Array {
  const target = new Float64Array(classes).fill(smoothing / classes);
  for (const { labels, share } of parts) {
    for (const label of labels) {
      if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
        throw new KdcError({
          where: "labelTarget",
          what: `label ${label} is not one of the ${classes} classes`,
          remedy: "Number the classes from 0",
          reason: "option",
        });
      }
      if (parts.length === 1) target[label] = 1 - smoothing;
      else target[label] += share * (1 - smoothing);
    }
  }
  return Float32Array.from(target);
}
