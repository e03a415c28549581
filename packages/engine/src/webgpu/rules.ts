import { fusedKernels } from "@kdc-mae/core";
import { cast, multiply, subtract } from "../compile/arithmetic.js";
import type { GraphBuilder, NodeRequest, Value } from "../compile/graph-builder.js";
import type { KernelRules } from "../compile/kernel-rule.js";
import { inGroups } from "../compile/kernels-attention.js";
import { plainReductions } from "../compile/kernels-reduction.js";
import { transpose } from "../compile/kernels-shape.js";
import { widestHead } from "./attention-tiles.js";

/** The domain of operators that only this runtime has. */
export const ownDomain = "kdc";

const product = (graph: GraphBuilder, a: Value, b: Value): Value =>
  graph.node("MatMul", [a, b], [...a.shape.slice(0, 2), b.shape[2]]);
const flip = (graph: GraphBuilder, x: Value): Value => transpose(graph, x, [0, 2, 1]);
const weights = (graph: GraphBuilder, q: Value, k: Value, request: NodeRequest): Value => {
  const scores = graph.node("MatMul", [q, flip(graph, k)], [...q.shape.slice(0, 2), k.shape[1]], request);
  return graph.node("Softmax", [scores], scores.shape, { ...request, attributes: { axis: -1 } });
};

/** How many of G stacked matrices make no more scores than this: a divisor of G. */
const groupSize = (groups: number, scores: number, most: number): number => {
  let size = Math.min(groups, Math.max(1, Math.floor(most / scores)));
  while (groups % size !== 0) size--;
  return size;
};

/** Fewer scores than this may as well be in memory: the fused kernels work on tiles. */
const fewScores = 2 ** 14;

/** Whether the fused kernels take it: heads that are narrow, and scores worth it. */
const isFused = (q: Value, k: Value, v: Value): boolean =>
  Math.max(q.shape[2], v.shape[2]) <= widestHead && q.shape[0] * q.shape[1] * k.shape[1] > fewScores;

/** Attention, and the logarithm of every row's sum of exponentials. Asked for twice, it is made once. */
const attend = (graph: GraphBuilder, q: Value, k: Value, v: Value): readonly Value[] => {
  const [G, N] = q.shape;
  const outputs = [{ shape: [G, N, v.shape[2]] }, { shape: [G, N] }];
  return graph.nodeMany("Attention", [q, k, v], outputs, { domain: ownDomain });
};

/**
 * Kernels said otherwise than for a processor: attention and its gradient without scores in memory (where a head is too
 * wide or scores are few, all heads at once, as far as one tensor may be large); the gradient of a layer norm as kernels of its own;
 * log(1 + x), which ONNX has not.
 *
 * @param largest numbers in one tensor
 */
export const webGpuRules = (largest: number): KernelRules => ({
  ...plainReductions,
  Log1p: ({ inputs: { x }, graph }) => graph.elementwise("Log1p", [cast(graph, x, "float32")]),
  [fusedKernels.attention]: ({ inputs: { q, k, v }, graph }) => {
    if (isFused(q, k, v)) return attend(graph, q, k, v)[0];
    const size = groupSize(q.shape[0], q.shape[1] * k.shape[1], largest);
    return inGroups(graph, size, [q, k, v], ([q, k, v]) => [product(graph, weights(graph, q, k, {}), v)])[0];
  },
  /** As on the processor, but what is taken off the scores' gradient is taken off where the product ends. */
  [fusedKernels.attentionGradient]: ({ inputs: { q, k, v, y, dy }, graph }) => {
    if (isFused(q, k, v)) {
      const inputs = [q, k, v, y, dy, attend(graph, q, k, v)[1]];
      const outputs = [q, k, v].map(({ shape }) => ({ shape }));
      return graph.nodeMany("AttentionGradient", inputs, outputs, { domain: ownDomain });
    }
    const size = groupSize(q.shape[0], q.shape[1] * k.shape[1], largest);
    const rows = [...y.shape.slice(0, 2), 1];
    const sums = graph.node("ReduceSum", [multiply(graph, dy, y), graph.int64s([2])], rows, {
      attributes: { keepdims: 1 },
    });
    return inGroups(graph, size, [q, k, v, dy, sums], ([q, k, v, dy, sums]) => {
      const P = weights(graph, q, k, { copy: "backward" });
      const dScores = multiply(graph, subtract(graph, product(graph, dy, flip(graph, v)), sums), P);
      return [product(graph, dScores, k), product(graph, flip(graph, dScores), q), product(graph, flip(graph, P), dy)];
    });
  },
  [fusedKernels.layerNormGradient]: ({ inputs: { x, gain, mean, inverseDeviation, dy }, graph }) =>
    graph.nodeMany(
      "LayerNormGradient",
      [x, gain, mean, inverseDeviation, dy],
      [{ shape: x.shape }, { shape: gain.shape }, { shape: gain.shape }],
      { domain: ownDomain },
    ),
});
