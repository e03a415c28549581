import { cast, multiply, number, reshape, sizeAlong } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRule, KernelRules } from "./kernel-rule.js";
import { concat, split } from "./kernels-slicing.js";

/** Axes as a list of non-negative numbers; none given means all. */
const axesOf = (axis: number | readonly number[] | null | undefined, rank: number): number[] => {
  const given = axis === null || axis === undefined ? Array.from({ length: rank }, (_, i) => i) : [axis].flat();
  return given.map((one) => (one < 0 ? one + rank : one));
};

const reducedShape = (shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] =>
  shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));

const reduce = (graph: GraphBuilder, op: string, x: Value, axes: readonly number[], keepDims: boolean): Value => {
  if (axes.length === 0) return x;
  return graph.node(op, [x, graph.int64s(axes)], reducedShape(x.shape, axes, keepDims), {
    attributes: { keepdims: keepDims ? 1 : 0 },
  });
};

/** Sum over axes. Along an axis where the value only repeats, the sum is a multiplication by the axis's size. */
const sum = (graph: GraphBuilder, x: Value, axes: readonly number[], keepDims: boolean): Value => {
  const repeated = axes.filter((axis) => x.stored[axis] === 1 && x.shape[axis] > 1);
  if (repeated.length === 0) return reduce(graph, "ReduceSum", x, axes, keepDims);
  const short = { ...x, shape: x.shape.map((size, axis) => (repeated.includes(axis) ? 1 : size)) };
  const rest = axes.filter((axis) => short.shape[axis] > 1);
  const kept = rest.length === 0 ? short : reduce(graph, "ReduceSum", short, rest, true);
  const scaled = multiply(graph, kept, number(graph, sizeAlong(x.shape, repeated), x));
  return reshape(graph, scaled, reducedShape(x.shape, axes, keepDims));
};

const reduction =
  (op: string, attribute = "axis"): KernelRule =>
  ({ inputs: { x }, attributes, graph }) =>
    reduce(graph, op, x, axesOf(attributes[attribute], x.shape.length), attributes.keepDims);

/** Truth values are reduced as integers: all is the minimum, any the maximum. */
const truth =
  (op: string): KernelRule =>
  ({ inputs: { x }, attributes: { axis, keepDims }, graph }) =>
    cast(graph, reduce(graph, op, cast(graph, x, "int32"), axesOf(axis, x.shape.length), keepDims), "bool");

const extremeIndex =
  (op: string): KernelRule =>
  ({ inputs: { x }, attributes: { axis }, graph }) => {
    const [at] = axesOf(axis, x.shape.length);
    const index = graph.node(op, [x], reducedShape(x.shape, [at], false), {
      dtype: "int64",
      attributes: { axis: at, keepdims: 0 },
    });
    return cast(graph, index, "int32");
  };

/** Running product. ONNX has no such operation: one multiplication per index, right for short axes. */
const runningProduct: KernelRule = ({ inputs: { x }, attributes: { axis, exclusive, reverse }, graph }) => {
  const [at] = axesOf(axis, x.shape.length);
  const pieces = split(graph, x, new Array(x.shape[at]).fill(1), at);
  const ordered = reverse ? pieces.toReversed() : pieces;
  let product = graph.splat(1, ordered[0].shape, x.dtype);
  const products = ordered.map((piece) => {
    const before = product;
    product = multiply(graph, product, piece);
    return exclusive ? before : product;
  });
  return concat(graph, reverse ? products.toReversed() : products, at);
};

/** Kernels that reduce or accumulate along axes. */
export const reductionRules: KernelRules = {
  Sum: ({ inputs: { x }, attributes: { axis, keepDims }, graph }) =>
    sum(graph, x.dtype === "bool" ? cast(graph, x, "int32") : x, axesOf(axis, x.shape.length), keepDims),
  Mean: ({ inputs: { x }, attributes: { axis, keepDims }, graph }) =>
    reduce(graph, "ReduceMean", cast(graph, x, "float32"), axesOf(axis, x.shape.length), keepDims),
  Max: reduction("ReduceMax", "reductionIndices"),
  Min: reduction("ReduceMin"),
  Prod: reduction("ReduceProd"),
  All: truth("ReduceMin"),
  Any: truth("ReduceMax"),
  ArgMax: extremeIndex("ArgMax"),
  ArgMin: extremeIndex("ArgMin"),
  Cumsum: ({ inputs: { x }, attributes: { axis, exclusive, reverse }, graph }) => {
    const [at] = axesOf(axis, x.shape.length);
    return graph.node("CumSum", [x, graph.constant([at], [], "int64")], x.shape, {
      attributes: { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 },
    });
  },
  Cumprod: runningProduct,
  Softmax: ({ inputs: { logits }, attributes: { dim }, graph }) =>
    graph.node("Softmax", [logits], logits.shape, { attributes: { axis: dim } }),
  LogSoftmax: ({ inputs: { logits }, attributes: { axis }, graph }) =>
    graph.node("LogSoftmax", [logits], logits.shape, { attributes: { axis } }),
};
