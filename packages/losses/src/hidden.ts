import { cast, oneHot, sum, type Tensor2D } from "@tensorflow/tfjs-core";

/**
 * Hidden positions `[B, H]` int32 among `n` → `[B, n]` with a one where a patch is hidden.
 *
 * Patches are picked by a one-hot sum, since the gradient of tf.gather is slow, and missing on some backends. Whole numbers
 * are turned into floats here: tfjs's wasm backend writes the bits of an int32 one into a float32 oneHot, 1.4e-45 for 1.
 */
export const hiddenOnes = (hidden: Tensor2D, n: number): Tensor2D => sum(cast(oneHot(hidden, n), "float32"), 1);
