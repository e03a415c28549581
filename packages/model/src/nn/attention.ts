import { matMul, mul, reshape, softmax, split, type Tensor, type Tensor3D, transpose } from "@tensorflow/tfjs-core";
import { type Linear, linear } from "./linear.js";

/** qkv `[3D, D]` (queries, keys, values one after another), projection `[D, D]`. */
export type Attention<Leaf> = { readonly qkv: Linear<Leaf>; readonly projection: Linear<Leaf> };

/** Multi-head self-attention (Vaswani et al. 2017): `[B, N, D]` → `[B, N, D]`. */
export function attention(params: Attention<Tensor>, tokens: Tensor3D, heads: number): Tensor3D {
  const [B, N, D] = tokens.shape;
  const width = D / heads;
  // One transpose puts queries, keys and values side by side, each a stack of B·H small matrices.
  const stacked = transpose(reshape(linear(params.qkv, tokens), [B, N, 3, heads, width]), [2, 0, 3, 1, 4]);
  const [q, k, v] = split(stacked, 3, 0).map((part) => reshape(part, [B * heads, N, width]));
  // Scaling the queries touches N·D numbers; scaling the scores would touch H·N².
  const weights = softmax(matMul(mul(q, 1 / Math.sqrt(width)), k, false, true));
  const mixed = transpose(reshape(matMul(weights, v), [B, heads, N, width]), [0, 2, 1, 3]);
  return linear(params.projection, reshape(mixed, [B, N, D]));
}
