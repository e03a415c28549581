import { sizeOf } from "@kdc-mae/core";
import { cast, multiply, number, reshape, sizeAlong } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRule, KernelRules } from "./kernel-rule.js";
import { axesOf, concat, split } from "./kernels-slicing.js";

const reducedShape = (shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] =>
  shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));

/** Makes a reduction of ONNX. */
type Reduce = (graph: GraphBuilder, op: string, x: Value, axes: readonly number[], keepDims: boolean) => Value;

/** What is left of no numbers at all, as TensorFlow has it. */
const ofNothing: Readonly<Record<string, number>> = {
  ReduceMean: Number.NaN,
  ReduceProd: 1,
  ReduceMax: Number.NEGATIVE_INFINITY,
  ReduceMin: Number.POSITIVE_INFINITY,
};

const reduce: Reduce = (graph, op, x, axes, keepDims) => {
  if (axes.length === 0) return x;
  if (sizeAlong(x.shape, axes) === 0) {
    const value = ofNothing[op] ?? 0;
    const whole = Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
    return graph.splat(x.dtype === "int32" ? whole : value, reducedShape(x.shape, axes, keepDims), x.dtype);
  }
  return graph.node(op, [x, graph.int64s(axes)], reducedShape(x.shape, axes, keepDims), {
    attributes: { keepdims: keepDims ? 1 : 0 },
  });
};

/** Numbers that may be added one after another: 4096 ones are off by 2⁻¹³ at most, a million by one in a hundred. */
const inARow = 4096;

/** A sum or mean over neighbouring axes, many numbers in parts and then the parts: ONNX Runtime adds in order. */
const inParts: Reduce = (graph, op, x, axes, keepDims) => {
  const [count, first] = [sizeAlong(x.shape, axes), Math.min(...axes)];
  let part = Math.floor(Math.sqrt(count));
  while (count % part !== 0) part--;
  const apart = Math.max(...axes) - first >= axes.length;
  if (x.dtype !== "float32" || count <= inARow || part < 8 || apart) return reduce(graph, op, x, axes, keepDims);
  const [before, after] = [sizeOf(x.shape.slice(0, first)), sizeOf(x.shape.slice(first + axes.length))];
  const middle = (value: Value, shape: readonly [number, number, number]): Value =>
    reduce(graph, op, reshape(graph, value, shape), [1], false);
  const parts = middle(x, [(before * count) / part, part, after]);
  return reshape(graph, middle(parts, [before, count / part, after]), reducedShape(x.shape, axes, keepDims));
};

/** Sum over axes. Along an axis where the value only repeats, the sum is a multiplication by the axis's size. */
const sum = (by: Reduce, graph: GraphBuilder, x: Value, axes: readonly number[], keepDims: boolean): Value => {
  const repeated = axes.filter((axis) => x.stored[axis] === 1 && x.shape[axis] > 1);
  if (repeated.length === 0) return by(graph, "ReduceSum", x, axes, keepDims);
  const short = { ...x, shape: x.shape.map((size, axis) => (repeated.includes(axis) ? 1 : size)) };
  const rest = axes.filter((axis) => short.shape[axis] !== 1);
  const kept = rest.length === 0 ? short : by(graph, "ReduceSum", short, rest, true);
  const scaled = multiply(graph, kept, number(graph, sizeAlong(x.shape, repeated), x));
  return reshape(graph, scaled, reducedShape(x.shape, axes, keepDims));
};

/** ONNX Runtime adds and multiplies int32 as floating numbers, which stop at the largest; int64 wraps around, and so does its end. */
const wrapping =
  (by: Reduce): Reduce =>
  (graph, op, x, axes, keepDims) =>
    x.dtype === "int32"
      ? cast(graph, by(graph, op, cast(graph, x, "int64"), axes, keepDims), "int32")
      : by(graph, op, x, axes, keepDims);

const sumsBy = (by: Reduce): KernelRules => ({
  Sum: ({ inputs: { x }, attributes: { axis, keepDims }, graph }) =>
    sum(by, graph, x.dtype === "bool" ? cast(graph, x, "int32") : x, axesOf(axis, x.shape.length), keepDims),
  Mean: ({ inputs: { x }, attributes: { axis, keepDims }, graph }) =>
    by(graph, "ReduceMean", cast(graph, x, "float32"), axesOf(axis, x.shape.length), keepDims),
});

const reduction =
  (op: string, attribute = "axis", by = reduce): KernelRule =>
  ({ inputs: { x }, attributes, graph }) =>
    by(graph, op, x, axesOf(attributes[attribute], x.shape.length), attributes.keepDims);

/** ONNX Runtime passes over NaN unless it comes first; a sum of sizes is NaN where one is. */
const extreme =
  (op: string, attribute: string): KernelRule =>
  (call) => {
    const [found, { x }] = [reduction(op, attribute)(call) as Value, call.inputs];
    if (x.dtype !== "float32") return found;
    const sizes = reduction("ReduceL1", attribute)(call) as Value;
    const isNone = call.graph.elementwise("IsNaN", [sizes], { dtype: "bool" });
    return call.graph.elementwise("Where", [isNone, sizes, found], { dtype: x.dtype });
  };

/** Truth values are reduced as integers: all is the minimum, any a sum that is not 0. */
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
  if (x.shape[at] === 0) return x;
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

/** For a runtime whose reductions add in parts and show NaN by themselves. */
export const plainReductions: KernelRules = {
  ...sumsBy(reduce),
  ...{ Max: reduction("ReduceMax", "reductionIndices"), Min: reduction("ReduceMin") },
  Prod: reduction("ReduceProd"),
};

/** Kernels that reduce or accumulate along axes. */
export const reductionRules: KernelRules = {
  ...sumsBy(wrapping(inParts)),
  Max: extreme("ReduceMax", "reductionIndices"),
  Min: extreme("ReduceMin", "axis"),
  Prod: reduction("ReduceProd", "axis", wrapping(reduce)),
  All: truth("ReduceMin"),
  Any: truth("ReduceSum"),
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
