import { expectShape, type Shaped } from "@kdc-mae/core";

/** Values with a shape: a `FloatTensor` of core, or a plain record. */
export type Values = Shaped & { readonly data: Float32Array };

/**
 * Turns predictions of a model trained on per-patch normalised pixels back into pixel values, with the mean and
 * unbiased variance (+ 1e-6) of the *true* patch, which such a model never predicts: half of the answer is given away.
 * `target [B, N, P]`, `predicted [B, N, P]` → `[B, N, P]`.
 */
export function denormalizePatches(target: Values, predicted: Values): Values {
  const sizes = expectShape("denormalizePatches", "target", target, "B N P");
  expectShape("denormalizePatches", "predicted", predicted, "B N P", sizes);
  const { B, N, P } = sizes;
  const data = new Float32Array(predicted.data.length);
  for (let patch = 0; patch < B * N; patch++) {
    const truth = target.data.subarray(patch * P, (patch + 1) * P);
    const mean = truth.reduce((sum, value) => sum + value, 0) / P;
    const variance = truth.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (P - 1);
    const deviation = Math.sqrt(variance + 1e-6);
    for (let p = patch * P; p < (patch + 1) * P; p++) data[p] = predicted.data[p] * deviation + mean;
  }
  return { shape: predicted.shape, data };
}
