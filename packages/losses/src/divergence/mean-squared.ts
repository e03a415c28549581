import { mean, squaredDifference, type Tensor1D, type Tensor2D, tidy } from "@tensorflow/tfjs-core";

/** Mean over the channels of the squared difference of two embeddings `[B, D]`, per clip: `[B]`. */
export function meanSquared(x: Tensor2D, y: Tensor2D): Tensor1D {
  return tidy(() => mean(squaredDifference(x, y), -1) as Tensor1D);
}
