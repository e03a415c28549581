import { add, matMul, reshape, type Tensor } from "@tensorflow/tfjs-core";

/** weight `[out, in]` as in PyTorch, bias `[out]`. */
export type Linear<Leaf> = { readonly weight: Leaf; readonly bias: Leaf };

/** `x Wᵀ + b` on the last axis: `[.., in]` → `[.., out]`. */
export function linear<T extends Tensor>(params: Linear<Tensor>, x: T): T {
  const [out, width] = params.weight.shape;
  // One flat matrix product: batched ones are slower, and their weight gradient needs a sum over the batch.
  const flat = add(matMul(reshape(x, [-1, width]), params.weight, false, true), params.bias);
  return reshape(flat, [...x.shape.slice(0, -1), out]) as T;
}
