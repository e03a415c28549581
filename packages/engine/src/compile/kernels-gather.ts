import { sizeOf } from "@kdc-mae/core";
import { cast, number, reshape } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRules } from "./kernel-rule.js";
import { select } from "./kernels-arithmetic.js";
import { transpose } from "./kernels-shape.js";

const known = (graph: GraphBuilder, { name }: Value): ArrayLike<number | bigint> | undefined =>
  graph.constants.find((constant) => constant.name === name)?.data;

/**
 * Indices [..] or [.., R] into axes of these sizes, negative ones set beyond the end, which is refused: ONNX counts them
 * from the end, and tfjs has none.
 */
const fromStart = (graph: GraphBuilder, indices: Value, sizes: readonly number[]): Value => {
  const data = known(graph, indices);
  if (data !== undefined && Array.from(data).every((index) => index >= 0)) return indices;
  const beyond = graph.constant(sizes, sizes.length === 1 ? [] : [sizes.length], indices.dtype);
  return select(
    { graph },
    graph.elementwise("Less", [indices, number(graph, 0, indices)], { dtype: "bool" }),
    beyond,
    indices,
  );
};

/** The leading axes of a shape that index vectors [.., R] name. */
const named = ({ shape }: Value, sizes: readonly number[]): number[] => sizes.slice(0, shape[shape.length - 1]);

/** Adds `updates` into zeros of a shape at `indices [.., R]`; an index named twice adds twice. */
export const scatterSum = (graph: GraphBuilder, indices: Value, updates: Value, shape: readonly number[]): Value =>
  graph.node("ScatterND", [graph.splat(0, shape, updates.dtype), cast(graph, indices, "int64"), updates], shape, {
    dtype: updates.dtype,
    attributes: { reduction: "add" },
  });

const gather = (graph: GraphBuilder, x: Value, indices: Value, axis: number): Value =>
  graph.node("Gather", [x, indices], [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], {
    dtype: x.dtype,
    attributes: { axis },
  });

/** Gather where the first `batch` axes of x and indices run together. */
const gatherInBatches = (graph: GraphBuilder, x: Value, indices: Value, axis: number, batch: number): Value => {
  const rank = x.shape.length;
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i >= batch && i !== axis);
  const lead = Array.from({ length: batch }, (_, i) => i);
  const moved = transpose(graph, x, [...lead, axis, ...others]);
  const each = cast(graph, reshape(graph, indices, [...indices.shape, 1]), "int64");
  const picked = graph.node("GatherND", [moved, each], [...indices.shape, ...others.map((i) => x.shape[i])], {
    dtype: x.dtype,
    attributes: { batch_dims: batch },
  });
  // Seat the picked axes back where the gathered axis was.
  const before = axis - batch;
  const pickedAxes = Array.from({ length: indices.shape.length - batch }, (_, i) => batch + i);
  const rest = Array.from({ length: others.length }, (_, i) => indices.shape.length + i);
  return transpose(graph, picked, [...lead, ...rest.slice(0, before), ...pickedAxes, ...rest.slice(before)]);
};

/** Kernels that pick by index and scatter by index. */
export const gatherRules: KernelRules = {
  GatherV2: ({ inputs: { x, indices }, attributes: { axis, batchDims = 0 }, graph }) => {
    const at = axis < 0 ? axis + x.shape.length : axis;
    const batch = batchDims < 0 ? batchDims + indices.shape.length : batchDims;
    const places = fromStart(graph, indices, [x.shape[at]]);
    return batch === 0 ? gather(graph, x, places, at) : gatherInBatches(graph, x, places, at, batch);
  },
  GatherNd: ({ inputs: { params, indices }, graph }) => {
    const depth = indices.shape[indices.shape.length - 1];
    const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
    return graph.node(
      "GatherND",
      [params, cast(graph, fromStart(graph, indices, named(indices, params.shape)), "int64")],
      shape,
      { dtype: params.dtype },
    );
  },
  ScatterNd: ({ inputs: { indices, updates }, attributes: { shape }, graph }) =>
    scatterSum(graph, fromStart(graph, indices, named(indices, shape)), updates, shape),
  TensorScatterUpdate: ({ inputs: { tensor, indices, updates }, graph }) =>
    graph.node(
      "ScatterND",
      [tensor, cast(graph, fromStart(graph, indices, named(indices, tensor.shape)), "int64"), updates],
      tensor.shape,
    ),
  SparseToDense: ({ inputs: { sparseIndices, sparseValues, defaultValue }, attributes: { outputShape }, graph }) => {
    const [count] = sparseIndices.shape.length === 0 ? [1] : sparseIndices.shape;
    const indices = cast(graph, reshape(graph, sparseIndices, [count, outputShape.length]), "int64");
    const spread = (value: Value, shape: readonly number[]): Value => ({
      ...reshape(
        graph,
        value,
        shape.map(() => 1),
      ),
      shape,
    });
    const values = sparseValues.shape.length === 0 ? spread(sparseValues, [count]) : sparseValues;
    return graph.node("ScatterND", [spread(defaultValue, outputShape), indices, values], outputShape);
  },
  UnsortedSegmentSum: ({ inputs: { x, segmentIds }, attributes: { numSegments }, graph }) => {
    const rank = segmentIds.shape.length;
    const rows = reshape(graph, segmentIds, [sizeOf(segmentIds.shape), 1]);
    const values = reshape(graph, x, [sizeOf(segmentIds.shape), ...x.shape.slice(rank)]);
    // What belongs to no segment goes to one more, which is cut off.
    const test = (op: string, bound: number) =>
      graph.elementwise(op, [rows, number(graph, bound, rows)], { dtype: "bool" });
    const outside = graph.elementwise("Or", [test("Less", 0), test("Greater", numSegments - 1)], { dtype: "bool" });
    const places = select({ graph }, outside, number(graph, numSegments, rows), rows);
    const sums = scatterSum(graph, places, values, [numSegments + 1, ...x.shape.slice(rank)]);
    const [from, to] = [0, numSegments].map((end) => graph.int64s([end]));
    return graph.node("Slice", [sums, from, to, graph.int64s([0])], [numSegments, ...x.shape.slice(rank)]);
  },
  Diag: ({ inputs: { x }, graph }) => {
    const size = sizeOf(x.shape);
    const order = Array.from({ length: size }, (_, i) => i);
    const [row, column] = [graph.constant(order, [size, 1], "int32"), graph.constant(order, [1, size], "int32")];
    const onDiagonal = graph.elementwise("Equal", [row, column], { dtype: "bool" });
    const square = select({ graph }, onDiagonal, reshape(graph, x, [size, 1]), number(graph, 0, x));
    return reshape(graph, square, [...x.shape, ...x.shape]);
  },
  OneHot: ({ inputs: { indices }, attributes: { depth, onValue, offValue, dtype }, graph }) => {
    const column = reshape(graph, indices, [...indices.shape, 1]);
    const classes = graph.constant(
      Array.from({ length: depth }, (_, i) => i),
      [...indices.shape.map(() => 1), depth],
      "int32",
    );
    const hit = graph.elementwise("Equal", [column, classes], { dtype: "bool" });
    const type = { dtype: dtype === "bool" ? "int32" : (dtype ?? "float32") } as const;
    if (onValue === 1 && offValue === 0) return cast(graph, hit, dtype ?? "float32");
    return cast(
      graph,
      select({ graph }, hit, number(graph, onValue, type), number(graph, offValue, type)),
      dtype ?? "float32",
    );
  },
  TopK: ({ inputs: { x }, attributes: { k, sorted }, graph }) => {
    const shape = [...x.shape.slice(0, -1), k];
    const [values, indices] = graph.nodeMany(
      "TopK",
      [x, graph.int64s([k])],
      [
        { shape, dtype: x.dtype },
        { shape, dtype: "int64" },
      ],
      { attributes: { axis: -1, largest: 1, sorted: sorted ? 1 : 0 } },
    );
    return [values, cast(graph, indices, "int32")];
  },
};
