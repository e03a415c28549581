import { add, type Tensor, type Tensor3D } from "@tensorflow/tfjs-core";
import { type Attention, attention } from "./attention.js";
import { gelu } from "./gelu.js";
import { layerNorm, type Norm } from "./layer-norm.js";
import { type Linear, linear } from "./linear.js";
import type { Nearness } from "./nearness.js";

/** Two layers, D → 4D → D. */
export type Mlp<Leaf> = { readonly expand: Linear<Leaf>; readonly contract: Linear<Leaf> };

/** The two norms of a block. */
export type BlockNorms<Leaf> = { readonly attentionNorm: Norm<Leaf>; readonly mlpNorm: Norm<Leaf> };

/** One pre-norm transformer block. */
export type Block<Leaf> = BlockNorms<Leaf> & { readonly attention: Attention<Leaf>; readonly mlp: Mlp<Leaf> };

/** How a block is run: its heads, the epsilon of its norms, and whether tokens attend to near ones first. */
export type BlockSettings = { readonly heads: number; readonly epsilon: number; readonly near?: Nearness };

/** Pre-norm transformer block (Dosovitskiy et al. 2021): `[B, N, D]` → `[B, N, D]`. */
export function block(params: Block<Tensor>, tokens: Tensor3D, settings: BlockSettings): Tensor3D {
  const { heads, epsilon, near } = settings;
  const attended = add(
    tokens,
    attention(params.attention, layerNorm(params.attentionNorm, tokens, epsilon), heads, near),
  ) as Tensor3D;
  const hidden = gelu(linear(params.mlp.expand, layerNorm(params.mlpNorm, attended, epsilon)));
  return add(attended, linear(params.mlp.contract, hidden));
}

/** A stack of blocks, each fed with what the one before gave. */
export const blocks = (stack: readonly Block<Tensor>[], tokens: Tensor3D, settings: BlockSettings): Tensor3D =>
  stack.reduce((current, params) => block(params, current, settings), tokens);
