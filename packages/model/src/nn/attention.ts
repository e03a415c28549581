import { fusedKernels } from "@kdc-mae/core";
import {
  concat,
  customGrad,
  engine,
  type GradSaveFunc,
  getBackend,
  getKernel,
  matMul,
  mul,
  reshape,
  softmax,
  split,
  type Tensor,
  type Tensor3D,
  transpose,
} from "@tensorflow/tfjs-core";
import { type Linear, linear, type MaybeBiased } from "./linear.js";
import type { Nearness } from "./nearness.js";

/**
 * qkv `[3E, D]` (queries, keys, values one after another), projection `[D, E]`: E is D, or less where heads were taken out.
 */
export type Attention<Leaf> = { readonly qkv: MaybeBiased<Leaf>; readonly projection: Linear<Leaf> };

/**
 * softmax(q kᵀ) v for G heads, queries already scaled: `[G, N, d]`. Where the backend has the fused kernels (the
 * compiler's has), the scores `[G, N, N]` are made a few heads at a time, and again for the gradient, not kept.
 */
function attend(q: Tensor, k: Tensor, v: Tensor): Tensor {
  if (getKernel(fusedKernels.attention, getBackend()) === undefined) {
    return matMul(softmax(matMul(q, k, false, true)), v);
  }
  const run = customGrad((...inputs) => {
    const [q, k, v, save] = inputs as unknown as [Tensor, Tensor, Tensor, GradSaveFunc];
    const value = engine().runKernel(fusedKernels.attention, { q, k, v }) as Tensor;
    save([q, k, v, value]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [q, k, v, y] = saved;
      return engine().runKernel(fusedKernels.attentionGradient, { q, k, v, y, dy }) as unknown as Tensor[];
    };
    return { value, gradFunc };
  });
  return run(q, k, v);
}

/**
 * Multi-head self-attention (Vaswani et al. 2017): `[B, N, D]` → `[B, N, D]`.
 *
 * @param heads of the model, each D / heads wide; an attention may have fewer of them left
 * @param near how much less tokens far from each other matter to each other; alike unless given
 */
export function attention(params: Attention<Tensor>, tokens: Tensor3D, heads: number, near?: Nearness): Tensor3D {
  const [B, N, D] = tokens.shape;
  const { q, k, v } = headsOf(params, tokens, heads, near);
  const left = headsLeft(params, D / heads);
  const mixed = transpose(reshape(attend(q, k, v), [B, left, N, D / heads]), [0, 2, 1, 3]);
  return linear(params.projection, reshape(mixed, [B, N, (left * D) / heads]));
}

/** What is weighed by a softmax in {@link attention}: q kᵀ of scaled queries, `[B·H, N, N]`. */
export function attentionScores(params: Attention<Tensor>, tokens: Tensor3D, heads: number, near?: Nearness): Tensor {
  const { q, k } = headsOf(params, tokens, heads, near);
  return matMul(q, k, false, true);
}

/** Scaled queries, keys and values, each a stack of B·H matrices `[N, D/H]`; queries and keys wider where some are near. */
function headsOf(params: Attention<Tensor>, tokens: Tensor3D, heads: number, near?: Nearness) {
  const [B, N, D] = tokens.shape;
  const width = D / heads;
  const left = headsLeft(params, width);
  // One transpose puts queries, keys and values side by side, each a stack of B·H small matrices.
  const stacked = transpose(reshape(linear(params.qkv, tokens), [B, N, 3, left, width]), [2, 0, 3, 1, 4]);
  const [q, k, v] = split(stacked, 3, 0).map((part) => reshape(part, [B * left, N, width]));
  // Scaling the queries touches N·D numbers; scaling the scores would touch H·N².
  const scaled = mul(q, 1 / Math.sqrt(width));
  if (near === undefined) return { q: scaled, k, v };
  return { q: concat([scaled, near.asking], 2), k: concat([k, near.answering], 2), v };
}

/** How many heads of a width are left in an attention. */
export const headsLeft = ({ qkv }: Attention<Tensor>, width: number): number => qkv.weight.shape[0] / (3 * width);
