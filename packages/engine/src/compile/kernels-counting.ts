import { sizeOf } from "@kdc-mae/core";
import { cast, number, reshape } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRule, KernelRules } from "./kernel-rule.js";
import { select } from "./kernels-arithmetic.js";
import { scatterSum } from "./kernels-gather.js";
import { slicingRules } from "./kernels-slicing.js";

/** x [rows, columns] with what lies outside 0 … size − 1 set to `size`, a place that is cut off afterwards. */
const places = (graph: GraphBuilder, x: Value, size: number): Value => {
  const [zero, beyond] = [number(graph, 0, x), number(graph, size, x)];
  const negative = graph.elementwise("Less", [x, zero], { dtype: "bool" });
  return select({ graph }, negative, beyond, graph.elementwise("Min", [x, beyond]));
};

/**
 * How often each number below `size` occurs in each row of x [columns] or [rows, columns], or the sum of its weights;
 * `binaryOutput`: whether it occurs. Negative numbers, an error when run eagerly, are not counted.
 */
const count: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const { x, weights } = inputs;
  const { size, binaryOutput: binary = false } = attributes;
  const [rows, columns] = x.shape.length === 2 ? x.shape : [1, x.shape[0]];
  const starts = graph.constant(
    Array.from({ length: rows }, (_, row) => row * (size + 1)),
    [rows, 1],
    "int32",
  );
  const at = graph.elementwise("Add", [places(graph, reshape(graph, x, [rows, columns]), size), starts]);
  const ones = binary || sizeOf(weights.shape) === 0;
  const updates = ones ? graph.splat(1, [rows * columns], weights.dtype) : reshape(graph, weights, [rows * columns]);
  const sums = scatterSum(graph, reshape(graph, at, [rows * columns, 1]), updates, [rows * (size + 1)]);
  const kept = slicingRules.Slice({
    ...call,
    inputs: { x: reshape(graph, sums, [rows, size + 1]) },
    attributes: { begin: [0, 0], size: [rows, size] },
  }) as Value;
  const counts = binary ? cast(graph, cast(graph, kept, "bool"), weights.dtype) : kept;
  return reshape(graph, counts, [...x.shape.slice(0, -1), size]);
};

/**
 * Where values [R, M] belong in sorted rows [R, N]: how many of a row lie before each. Every value is compared with
 * its whole row, M · N comparisons, right for short rows.
 */
const searchSorted: KernelRule = ({ inputs: { sortedSequence, values }, attributes: { side }, graph }) => {
  const dtype = sortedSequence.dtype === values.dtype ? values.dtype : "float32";
  const [rows, length] = sortedSequence.shape;
  const sequence = reshape(graph, cast(graph, sortedSequence, dtype), [rows, 1, length]);
  const wanted = reshape(graph, cast(graph, values, dtype), [...values.shape, 1]);
  const before = graph.elementwise(side === "left" ? "Less" : "LessOrEqual", [sequence, wanted], { dtype: "bool" });
  return graph.node("ReduceSum", [cast(graph, before, "int32"), graph.int64s([2])], values.shape, {
    attributes: { keepdims: 0 },
  });
};

/** Kernels that count. */
export const countingRules: KernelRules = {
  Bincount: count,
  DenseBincount: count,
  SearchSorted: searchSorted,
};
