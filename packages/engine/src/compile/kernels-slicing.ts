import * as tf from "@tensorflow/tfjs-core";
import { cast, number, reshape } from "./arithmetic.js";
import { type GraphBuilder, misfit, type Value } from "./graph-builder.js";
import type { KernelRules } from "./kernel-rule.js";

/** ONNX takes any number below every index for "beyond the first", where a slice runs backwards. */
const beforeFirst = -(2 ** 31);

type Slice = { readonly begin: readonly number[]; readonly end: readonly number[]; readonly steps: readonly number[] };

/** A slice along every axis; axes taken whole are left out, and a slice of everything is no node. */
const slice = (graph: GraphBuilder, x: Value, { begin, end, steps }: Slice, shape: readonly number[]): Value => {
  const axes = x.shape.flatMap((size, axis) =>
    begin[axis] === 0 && shape[axis] === size && steps[axis] === 1 ? [] : [axis],
  );
  if (axes.length === 0) return x;
  const along = (values: readonly number[]): Value => graph.int64s(axes.map((axis) => values[axis]));
  return graph.node("Slice", [x, along(begin), along(end), graph.int64s(axes), along(steps)], shape);
};

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Axes as a list of non-negative numbers; none given means all. */
export const axesOf = (axis: number | readonly number[] | null | undefined, rank: number): number[] => {
  const given = axis === null || axis === undefined ? Array.from({ length: rank }, (_, i) => i) : [axis].flat();
  return given.map((one) => axisOf(one, rank));
};

/** Cut along an axis into pieces of these sizes. */
export const split = (graph: GraphBuilder, x: Value, sizes: readonly number[], axis: number): Value[] =>
  graph.nodeMany(
    "Split",
    [x, graph.int64s(sizes)],
    sizes.map((size) => ({ shape: x.shape.map((whole, at) => (at === axis ? size : whole)) })),
    { attributes: { axis } },
  );

/** Joined along an axis; empty parts are left out. */
export const concat = (graph: GraphBuilder, parts: readonly Value[], axis: number): Value => {
  const filled = parts.filter((part) => part.shape.every((size) => size > 0));
  if (filled.length === 1) return filled[0];
  const others = ({ shape }: Value) => shape.filter((_, at) => at !== axis).join();
  if (filled.some((part) => others(part) !== others(filled[0]))) {
    const remedy = `They are joined along axis ${axis}: all other sizes must be equal`;
    throw misfit(
      "the shapes",
      filled.map(({ shape }) => shape),
      remedy,
    );
  }
  const size = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  return graph.node(
    "Concat",
    filled,
    parts[0].shape.map((whole, at) => (at === axis ? size : whole)),
    {
      dtype: parts[0].dtype,
      attributes: { axis },
    },
  );
};

/** Indices of one axis mirrored about its ends, the edge element repeated (`symmetric`) or not (`reflect`). */
const mirrored = (size: number, before: number, after: number, mode: "reflect" | "symmetric"): number[] => {
  const offset = mode === "reflect" ? 0 : 1;
  return Array.from({ length: before + size + after }, (_, i) => {
    const at = i - before;
    if (at < 0) return -at - offset;
    return at < size ? at : 2 * (size - 1) - at + offset;
  });
};

/** Kernels that take a tensor apart, put tensors together, or pad them. */
export const slicingRules: KernelRules = {
  Slice: ({ inputs: { x }, attributes: { begin, size }, graph }) => {
    const [from, sizes] = tf.slice_util.parseSliceParams(
      { shape: [...x.shape] } as tf.TensorInfo as tf.Tensor,
      begin,
      size,
    );
    const end = from.map((start, axis) => start + sizes[axis]);
    return slice(graph, x, { begin: from, end, steps: from.map(() => 1) }, sizes);
  },
  StridedSlice: ({ inputs: { x }, attributes, graph }) => {
    const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes;
    const shape = [...x.shape];
    const plan = tf.slice_util.sliceInfo(
      shape,
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    const sizes = tf.slice_util.computeOutShape(plan.begin, plan.end, plan.strides);
    const ends = plan.end.map((stop, axis) => (plan.strides[axis] < 0 && stop < 0 ? beforeFirst : stop));
    return reshape(
      graph,
      slice(graph, x, { begin: plan.begin, end: ends, steps: plan.strides }, sizes),
      plan.finalShape,
    );
  },
  Concat: ({ list, attributes: { axis }, graph }) => concat(graph, list, axisOf(axis, list[0].shape.length)),
  SplitV: ({ inputs: { x }, attributes: { numOrSizeSplits, axis }, graph }) => {
    const at = axisOf(axis, x.shape.length);
    const like = { shape: [...x.shape] } as tf.TensorInfo as tf.Tensor;
    return split(graph, x, tf.backend_util.prepareSplitSize(like, numOrSizeSplits, at), at);
  },
  Pack: ({ list, attributes: { axis }, graph }) => {
    const at = axisOf(axis, list[0].shape.length + 1);
    const shape = [...list[0].shape.slice(0, at), 1, ...list[0].shape.slice(at)];
    return concat(
      graph,
      list.map((part) => reshape(graph, part, shape)),
      at,
    );
  },
  Unpack: ({ inputs: { value }, attributes: { axis }, graph }) => {
    const at = axisOf(axis, value.shape.length);
    const shape = value.shape.filter((_, other) => other !== at);
    const sizes = Array.from({ length: value.shape[at] }, () => 1);
    return split(graph, value, sizes, at).map((part) => reshape(graph, part, shape));
  },
  PadV2: ({ inputs: { x }, attributes: { paddings, constantValue }, graph }) => {
    const pads = paddings as readonly (readonly [number, number])[];
    const shape = x.shape.map((size, axis) => size + pads[axis][0] + pads[axis][1]);
    if (shape.join() === x.shape.join()) return x;
    const amounts = graph.int64s([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]);
    if (x.dtype !== "bool") return graph.node("Pad", [x, amounts, number(graph, constantValue, x)], shape);
    const whole = cast(graph, x, "int32");
    return cast(graph, graph.node("Pad", [whole, amounts, number(graph, constantValue, whole)], shape), "bool");
  },
  MirrorPad: ({ inputs: { x }, attributes: { paddings, mode }, graph }) =>
    (paddings as readonly (readonly [number, number])[]).reduce((padded, [before, after], axis) => {
      if (before === 0 && after === 0) return padded;
      const indices = mirrored(x.shape[axis], before, after, mode);
      const shape = padded.shape.map((size, at) => (at === axis ? indices.length : size));
      return graph.node("Gather", [padded, graph.int64s(indices)], shape, { attributes: { axis } });
    }, x),
  Reverse: ({ inputs: { x }, attributes: { dims }, graph }) => {
    const axes = axesOf(dims, x.shape.length);
    if (axes.length === 0) return x;
    const each = (value: number): Value => graph.int64s(axes.map(() => value));
    return graph.node("Slice", [x, each(-1), each(beforeFirst), graph.int64s(axes), each(-1)], x.shape);
  },
};
