import * as tf from "@tensorflow/tfjs-core";
import { reshape } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRules } from "./kernel-rule.js";

/** Axes moved; two moves after each other are one, and a move that changes nothing is none. */
export function transpose(graph: GraphBuilder, x: Value, perm: readonly number[]): Value {
  if (perm.every((from, to) => from === to)) return x;
  if (x.splat !== undefined)
    return graph.splat(
      x.splat,
      perm.map((from) => x.shape[from]),
      x.dtype,
    );
  const before = graph.maker(x);
  const inner = before?.attributes.perm as readonly number[] | undefined;
  const source = before?.op === "Transpose" && inner ? graph.named(before.inputs[0]) : undefined;
  if (source && inner && x.stored.join() === x.shape.join()) {
    return transpose(
      graph,
      source,
      perm.map((from) => inner[from]),
    );
  }
  return graph.node(
    "Transpose",
    [x],
    perm.map((from) => x.shape[from]),
    { attributes: { perm } },
  );
}

/** Repeats a value over a broader shape; it is stored short until somebody needs it long. */
const broadcastTo = (graph: GraphBuilder, x: Value, shape: readonly number[]): Value => {
  const ones = Array.from({ length: shape.length - x.shape.length }, () => 1);
  return { ...reshape(graph, x, [...ones, ...x.shape]), shape };
};

/** Kernels that change a shape and no values, or make values from a shape. */
export const shapeRules: KernelRules = {
  Reshape: ({ inputs: { x }, attributes: { shape }, graph }) =>
    reshape(graph, x, tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape([...x.shape]))),
  ExpandDims: ({ inputs: { input }, attributes: { dim }, graph }) => {
    const shape = [...input.shape];
    shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
    return reshape(graph, input, shape);
  },
  Transpose: ({ inputs: { x }, attributes: { perm }, graph }) => transpose(graph, x, perm),
  BroadcastTo: ({ inputs: { x }, attributes: { shape }, graph }) => broadcastTo(graph, x, shape),
  Tile: ({ inputs: { x }, attributes: { reps }, graph }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]);
    if (x.shape.every((size, axis) => size === 1 || reps[axis] === 1)) return { ...x, shape };
    return graph.node("Tile", [x, graph.int64s(reps)], shape);
  },
  Fill: ({ attributes: { shape, value, dtype }, graph }) => graph.splat(value, shape, dtype ?? "float32"),
  Range: ({ attributes: { start, stop, step, dtype }, graph }) => {
    const count = Math.max(0, Math.ceil((stop - start) / step));
    return graph.constant(
      Array.from({ length: count }, (_, i) => start + i * step),
      [count],
      dtype ?? "float32",
    );
  },
  LinSpace: ({ attributes: { start, stop, num }, graph }) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    return graph.constant(
      Array.from({ length: num }, (_, i) => start + i * step),
      [num],
      "float32",
    );
  },
};
