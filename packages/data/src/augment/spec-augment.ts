import { expectShape, type FloatTensor, float32, type Rng } from "@kdc-mae/core";

/** Widest stripes that may be blanked: mel bins, and frames. */
export type SpecAugmentOptions = { readonly frequency: number; readonly time: number };

/**
 * Blanks one band of frequencies and one stretch of time with 0, each of a random width below its limit and at a
 * random place (Park et al. 2019). For fine-tuning; applied to the padded log-mel *before* normalisation.
 *
 * @param spectrogram `[T, melBins]`
 * @returns a changed copy, `[T, melBins]`
 */
export function specAugment(spectrogram: FloatTensor, limits: SpecAugmentOptions, rng: Rng): FloatTensor {
  const { T, M } = expectShape("specAugment", "spectrogram", spectrogram, "T M");
  const out = float32([T, M], spectrogram.data.slice());
  const [lowest, highest] = drawStripe(M, limits.frequency, rng);
  for (let t = 0; t < T; t++) out.data.fill(0, t * M + lowest, t * M + highest);
  const [from, until] = drawStripe(T, limits.time, rng);
  out.data.fill(0, from * M, until * M);
  return out;
}

/** First and one-past-last position of a stripe narrower than `limit`, inside 0 … length. */
function drawStripe(length: number, limit: number, rng: Rng): readonly [number, number] {
  const width = rng.integer(Math.max(1, Math.min(limit, length)));
  const start = rng.integer(length - width + 1);
  return [start, start + width];
}
