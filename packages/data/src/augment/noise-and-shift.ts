import { expectShape, type FloatTensor, float32, type Rng } from "@kdc-mae/core";

/**
 * Adds U[0, 1) · u / 10 to every value, with one u from U[0, 1) for the clip, then turns the spectrogram around in time
 * by up to `shift` frames either way. Applied after normalisation, in pretraining and fine-tuning.
 *
 * @param spectrogram `[T, melBins]`
 * @param shift frames; all T by default
 * @returns a changed copy, `[T, melBins]`
 */
export function noiseAndShift(spectrogram: FloatTensor, rng: Rng, shift?: number): FloatTensor {
  const { T, M } = expectShape("noiseAndShift", "spectrogram", spectrogram, "T M");
  const furthest = shift ?? T;
  const strength = rng.uniform() / 10;
  const by = rng.integer(2 * furthest + 1) - furthest;
  const out = float32([T, M]);
  for (let t = 0; t < T; t++) {
    const to = ((((t + by) % T) + T) % T) * M;
    for (let m = 0; m < M; m++) out.data[to + m] = spectrogram.data[t * M + m] + rng.uniform() * strength;
  }
  return out;
}
