import { fusedKernels } from "@kdc-mae/core";
import { multiply, number } from "./arithmetic.js";
import type { GraphBuilder, NodeRequest, Value } from "./graph-builder.js";
import type { KernelRules } from "./kernel-rule.js";
import { transpose } from "./kernels-shape.js";
import { concat, split } from "./kernels-slicing.js";

const product = (graph: GraphBuilder, a: Value, b: Value, request: NodeRequest = {}): Value =>
  graph.node("MatMul", [a, b], [...a.shape.slice(0, 2), b.shape[2]], request);

const flip = (graph: GraphBuilder, x: Value): Value => transpose(graph, x, [0, 2, 1]);

/** softmax(q kᵀ), `[G, N, M]`. */
const weights = (graph: GraphBuilder, q: Value, k: Value, request: NodeRequest): Value => {
  const scores = product(graph, q, flip(graph, k), request);
  return graph.node("Softmax", [scores], scores.shape, { ...request, attributes: { axis: -1 } });
};

/** How many of the G matrices to work on at a time: a divisor of G, and all of them where that is not much more. */
const groupSize = (groups: number, scores: number, cachedScores: number): number => {
  if (groups * scores <= 4 * cachedScores) return groups;
  let size = Math.min(groups, Math.max(1, Math.floor(cachedScores / scores)));
  while (groups % size !== 0) size--;
  return size;
};

/** Does something to a few matrices at a time and puts the results together again. */
export const inGroups = (
  graph: GraphBuilder,
  size: number,
  inputs: readonly Value[],
  work: (parts: readonly Value[]) => readonly Value[],
): Value[] => {
  const count = inputs[0].shape[0] / size;
  if (count === 1) return [...work(inputs)];
  const parts = inputs.map((input) => split(graph, input, new Array<number>(count).fill(size), 0));
  const results = Array.from({ length: count }, (_, group) => work(parts.map((part) => part[group])));
  return results[0].map((_, index) =>
    concat(
      graph,
      results.map((result) => result[index]),
      0,
    ),
  );
};

/** One more column of one value per row: `[G, N, d]` and `[G, N, 1]` → `[G, N, d + 1]`. */
const withColumn = (graph: GraphBuilder, x: Value, column: Value): Value => concat(graph, [x, column], 2);

/**
 * Attention and its gradient over stacks of matrices.
 *
 * @param cachedScores this many scores are worked on at a time, so that they stay in the processor's cache from the
 * product that makes them to the product that uses them up. They are then not kept for the backward pass but made
 * again: at 708 tokens that costs no time and saves most of the memory of a decoder.
 */
export const attentionRules = (cachedScores: number): KernelRules => ({
  [fusedKernels.attention]: ({ inputs: { q, k, v }, graph }) => {
    const size = groupSize(q.shape[0], q.shape[1] * k.shape[1], cachedScores);
    const [mixed] = inGroups(graph, size, [q, k, v], ([q, k, v]) => [product(graph, weights(graph, q, k, {}), v)]);
    return mixed;
  },
  /**
   * With P the weights and dP = dy vᵀ, the gradient of the scores is P ∘ (dP − Σ(dP ∘ P)). The sum over each row equals
   * Σ(dy ∘ y) (Dao et al. 2022, FlashAttention, appendix B.2), and a further column of dy and v has the product take it off.
   */
  [fusedKernels.attentionGradient]: ({ inputs: { q, k, v, y, dy }, graph }) => {
    const size = groupSize(q.shape[0], q.shape[1] * k.shape[1], cachedScores);
    const request = size === q.shape[0] ? {} : { copy: "backward" };
    const rows = [...y.shape.slice(0, 2), 1];
    const sums = graph.node("ReduceSum", [multiply(graph, dy, y), graph.int64s([2])], rows, {
      attributes: { keepdims: 1 },
    });
    const lessSums = withColumn(graph, dy, multiply(graph, sums, number(graph, -1, sums)));
    const withOnes = withColumn(graph, v, graph.splat(1, [...v.shape.slice(0, 2), 1], v.dtype));
    const gradients = ([q, k, dy, lessSums, withOnes]: readonly Value[]): readonly Value[] => {
      const P = weights(graph, q, k, request);
      const dScores = graph.elementwise("Mul", [product(graph, lessSums, flip(graph, withOnes)), P]);
      return [product(graph, dScores, k), product(graph, flip(graph, dScores), q), product(graph, flip(graph, P), dy)];
    };
    const inputs = [q, k, dy, lessSums, withOnes];
    const alone = size === q.shape[0] || q.shape[1] !== k.shape[1];
    if (alone) return inGroups(graph, size, inputs, gradients);
    // The three of a group leave as one value: a runtime that works its way back from what is asked for would otherwise
    // make the first of all groups, and keep the scores of all groups for the other two.
    const [all] = inGroups(graph, size, inputs, (parts) => [concat(graph, gradients(parts), 2)]);
    return split(graph, all, [q.shape[2], k.shape[2], v.shape[2]], 2);
  },
});
