import { mapTree, treeLeaves } from "@kdc-mae/core";
import { add, type Tensor, type Tensor3D } from "@tensorflow/tfjs-core";
import { type Attention, attention } from "./attention.js";
import { gelu } from "./gelu.js";
import { layerNorm, type Norm } from "./layer-norm.js";
import { type Linear, linear } from "./linear.js";
import { type Nearness, ofHeads } from "./nearness.js";
import { recomputed } from "./recomputed.js";

/** Two layers, D → 4D → D. */
export type Mlp<Leaf> = { readonly expand: Linear<Leaf>; readonly contract: Linear<Leaf> };

/** The two norms of a block. */
export type BlockNorms<Leaf> = { readonly attentionNorm: Norm<Leaf>; readonly mlpNorm: Norm<Leaf> };

/** One pre-norm transformer block. */
export type Block<Leaf> = BlockNorms<Leaf> & { readonly attention: Attention<Leaf>; readonly mlp: Mlp<Leaf> };

/** What a gradient finds kept of every block: all it made on the way, or its inputs, from which it is made again. */
export type Keep = "all" | "inputs";

/** How a block is run: its heads, the epsilon of its norms, whether tokens attend to near ones first, what is kept. */
export type BlockSettings = {
  readonly heads: number;
  readonly epsilon: number;
  readonly near?: Nearness;
  /** All unless given. */
  readonly keep?: Keep;
  /** Of a stack, block by block: which heads are left. All of them of a block that is not named. */
  readonly left?: readonly (readonly number[])[];
};

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

/** The block with nothing kept but its inputs. */
function recomputedBlock(params: Block<Tensor>, tokens: Tensor3D, settings: BlockSettings): Tensor3D {
  const { near } = settings;
  const weights = treeLeaves(params).map(([, weight]) => weight);
  const run = ([current, ...rest]: readonly Tensor[]): Tensor3D => {
    let next = 0;
    const own = mapTree(params, () => rest[next++]);
    const [asking, answering] = rest.slice(next) as Tensor3D[];
    return block(
      own,
      current as Tensor3D,
      near === undefined ? settings : { ...settings, near: { asking, answering } },
    );
  };
  return recomputed(run, [tokens, ...weights, ...(near === undefined ? [] : [near.asking, near.answering])]);
}

/** A stack of blocks, each fed with what the one before gave. */
export function blocks(stack: readonly Block<Tensor>[], tokens: Tensor3D, settings: BlockSettings): Tensor3D {
  const run = settings.keep === "inputs" ? recomputedBlock : block;
  return stack.reduce((current, params, at) => run(params, current, settingsOf(settings, at)), tokens);
}

/** How block number `at` of a stack is run: with the nearness of the heads that are left in it. */
export function settingsOf(settings: BlockSettings, at: number): BlockSettings {
  const { near, left, heads } = settings;
  if (near === undefined || left?.[at] === undefined) return settings;
  return { ...settings, near: ofHeads(near, heads, left[at]) };
}
