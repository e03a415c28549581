import { add, matMul, reshape, type Tensor } from "@tensorflow/tfjs-core";

/** weight `[out, in]` as in PyTorch, bias `[out]`. */
export type Linear<Leaf> = { readonly weight: Leaf; readonly bias: Leaf };

/** A linear layer that may have no bias. */
export type MaybeBiased<Leaf> = Pick<Linear<Leaf>, "weight"> & Partial<Pick<Linear<Leaf>, "bias">>;

/** `x Wᵀ + b` on the last axis: `[.., in]` → `[.., out]`. */
export function linear<T extends Tensor>(params: MaybeBiased<Tensor>, x: T): T {
  const [out, width] = params.weight.shape;
  // One flat matrix product: batched ones are slower, and their weight gradient needs a sum over the batch.
  const product = matMul(reshape(x, [-1, width]), params.weight, false, true);
  const flat = params.bias === undefined ? product : add(product, params.bias);
  return reshape(flat, [...x.shape.slice(0, -1), out]) as T;
}
