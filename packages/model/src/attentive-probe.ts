import { type FloatTensor, float32, mapTree, type Rng, type Shaped } from "@kdc-mae/core";
import {
  add,
  mul,
  reshape,
  softmax,
  split,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  transpose,
} from "@tensorflow/tfjs-core";
import type { Mlp } from "./nn/block.js";
import { gelu } from "./nn/gelu.js";
import { layerNorm, type Norm } from "./nn/layer-norm.js";
import { type Linear, linear } from "./nn/linear.js";

/** One learned query and what it asks with. query `[1, 1, D]`, keysValues `[2D, D]`, linear `[C, D]`. */
export type AttentiveProbeParams<Leaf> = {
  readonly query: Leaf;
  readonly tokenNorm: Norm<Leaf>;
  readonly queries: Linear<Leaf>;
  /** Keys and values one after another. */
  readonly keysValues: Linear<Leaf>;
  readonly projection: Linear<Leaf>;
  readonly mlpNorm: Norm<Leaf>;
  readonly mlp: Mlp<Leaf>;
  readonly linear: Linear<Leaf>;
};

/** PyTorch's, which V-JEPA's probe leaves as it is. */
const EPSILON = 1e-5;

/**
 * Class scores of frozen tokens by an attentive probe: one learned query attends to them in a cross-attention block with
 * an MLP (V-JEPA, Bardes et al. 2024; AV-JEPA reports the same), then a linear layer.
 *
 * @param tokens `[B, N, D]`
 * @param heads of the cross-attention; they divide D
 * @returns logits `[B, C]`
 */
export function attentiveLogits(params: AttentiveProbeParams<Tensor>, tokens: Tensor3D, heads: number): Tensor2D {
  const [B, N, D] = tokens.shape;
  const width = D / heads;
  const sides = reshape(linear(params.keysValues, layerNorm(params.tokenNorm, tokens, EPSILON)), [
    B,
    N,
    2,
    heads,
    width,
  ]);
  const [keys, values] = split(transpose(sides, [2, 0, 3, 1, 4]), 2, 0).map((part) =>
    reshape(part, [B, heads, N, width]),
  );
  // There is one query, the same for all clips: products and sums do what a stack of tiny matrix products would.
  const asked = mul(reshape(linear(params.queries, params.query), [1, heads, 1, width]), 1 / Math.sqrt(width));
  const weights = softmax(sum(mul(keys, asked), -1));
  const mixed = reshape(sum(mul(values, reshape(weights, [B, heads, N, 1])), 2), [B, 1, D]);
  const attended = add(params.query, linear(params.projection, mixed)) as Tensor3D;
  const hidden = gelu(linear(params.mlp.expand, layerNorm(params.mlpNorm, attended, EPSILON)));
  const pooled = add(attended, linear(params.mlp.contract, hidden));
  return linear(params.linear, reshape(pooled, [B, D]) as Tensor2D);
}

/** What the probe's parameters are. */
function attentiveShapes(width: number, classes: number): AttentiveProbeParams<Shaped> {
  const linearOf = (inputs: number, outputs: number): Linear<Shaped> => ({
    weight: { shape: [outputs, inputs] },
    bias: { shape: [outputs] },
  });
  const norm: Norm<Shaped> = { gain: { shape: [width] }, bias: { shape: [width] } };
  return {
    query: { shape: [1, 1, width] },
    ...{ tokenNorm: norm, mlpNorm: norm },
    queries: linearOf(width, width),
    keysValues: linearOf(width, 2 * width),
    projection: linearOf(width, width),
    mlp: { expand: linearOf(width, 4 * width), contract: linearOf(4 * width, width) },
    linear: linearOf(width, classes),
  };
}

/**
 * A fresh attentive probe, as V-JEPA starts it: weights and query N(0, 0.02), those of the projection and of the MLP's
 * second layer divided by √2, biases 0.
 *
 * @param width D of the tokens
 */
export const initAttentiveProbe = (width: number, classes: number, rng: Rng): AttentiveProbeParams<FloatTensor> =>
  mapTree<AttentiveProbeParams<Shaped>, Shaped, FloatTensor>(
    attentiveShapes(width, classes),
    ({ shape }: Shaped, path: string) => {
      const made = float32(shape);
      if (path.endsWith("gain")) made.data.fill(1);
      if (!/(gain|bias)$/.test(path)) {
        const scale = 0.02 / (/^(projection|mlp\.contract)/.test(path) ? Math.SQRT2 : 1);
        const own = rng.fork(path);
        for (let i = 0; i < made.data.length; i++) made.data[i] = scale * own.normal();
      }
      return made;
    },
  ) as AttentiveProbeParams<FloatTensor>;
