import { sizeOf } from "@kdc-mae/core";
import type { ElementType } from "./graph.js";
import { broadcastShapes, type GraphBuilder, type Value } from "./graph-builder.js";

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** `value` as it comes out of an elementwise operation with a neutral `other`, or undefined where that needs a node. */
const unchangedBy = (value: Value, other: Value): Value | undefined =>
  value.shape.length >= other.shape.length
    ? { ...value, shape: broadcastShapes([value.shape, other.shape]) }
    : undefined;

/** a + b, leaving out zeros. */
export function add(graph: GraphBuilder, a: Value, b: Value): Value {
  return (
    (b.splat === 0 ? unchangedBy(a, b) : undefined) ??
    (a.splat === 0 ? unchangedBy(b, a) : undefined) ??
    graph.elementwise("Add", [a, b])
  );
}

/** a − b, leaving out zeros. */
export function subtract(graph: GraphBuilder, a: Value, b: Value): Value {
  return (b.splat === 0 ? unchangedBy(a, b) : undefined) ?? graph.elementwise("Sub", [a, b]);
}

/** a · b, leaving out ones; known factors are gathered: s · (t · x) becomes (s · t) · x, one pass instead of two. */
export function multiply(graph: GraphBuilder, a: Value, b: Value): Value {
  return (
    (b.splat === 1 ? unchangedBy(a, b) : undefined) ??
    (a.splat === 1 ? unchangedBy(b, a) : undefined) ??
    (b.splat === undefined ? undefined : gatherFactors(graph, a, b, b.splat)) ??
    (a.splat === undefined ? undefined : gatherFactors(graph, b, a, a.splat)) ??
    graph.elementwise("Mul", [a, b])
  );
}

/** factor · value, where value is itself a known number times something. */
const gatherFactors = (graph: GraphBuilder, value: Value, other: Value, factor: number): Value | undefined => {
  const made = graph.maker(value);
  if (made?.op !== "Mul" || value.dtype !== "float32") return undefined;
  const operands = made.inputs.map((name) => graph.named(name));
  const inner = operands.find((operand) => operand?.splat !== undefined);
  const rest = operands.find((operand) => operand !== inner);
  if (inner?.splat === undefined || rest === undefined) return undefined;
  const product = Math.fround(inner.splat * factor);
  if (!Number.isFinite(product) || Math.abs(product) < 1e-30) return undefined;
  const shape = broadcastShapes([value.shape, other.shape]);
  const flat = graph.splat(
    product,
    shape.map(() => 1),
    value.dtype,
  );
  return { ...multiply(graph, rest, flat), shape };
};

/** a / b; dividing by a known power of two, whose inverse is exact, becomes a multiplication, which {@link multiply} can gather. */
export function divide(graph: GraphBuilder, a: Value, b: Value): Value {
  const inverse = b.splat === undefined || b.dtype !== "float32" ? 0 : Math.fround(1 / b.splat);
  if (inverse * (b.splat ?? 0) === 1 && Math.abs(inverse) > 1e-30) {
    return multiply(graph, a, graph.splat(inverse, b.shape, b.dtype));
  }
  return graph.elementwise("Div", [a, b]);
}

/** A number of the same type as `like`, without axes. */
export function number(graph: GraphBuilder, value: number, like: { readonly dtype: ElementType }): Value {
  return graph.splat(value, [], like.dtype);
}

/** The same values in another element type (float to int cuts the fraction off; to bool asks "is it not zero"). */
export function cast(graph: GraphBuilder, value: Value, dtype: ElementType): Value {
  if (value.dtype === dtype) return value;
  if (value.splat !== undefined) {
    const known =
      dtype === "float32" ? value.splat : dtype === "bool" ? Number(value.splat !== 0) : Math.trunc(value.splat);
    return graph.splat(known, value.shape, dtype);
  }
  const to = { float32: 1, int32: 6, int64: 7, bool: 9 }[dtype];
  return graph.elementwise("Cast", [value], { dtype, attributes: { to } });
}

/** The same values in another shape of the same size. A reshape of a reshape is one reshape, or none. */
export function reshape(graph: GraphBuilder, value: Value, shape: readonly number[]): Value {
  if (same(shape, value.shape)) return value;
  if (value.splat !== undefined) return graph.splat(value.splat, shape, value.dtype);
  const short = shortReshape(value, shape);
  const given = short === undefined ? graph.full(value) : { ...value, shape: value.stored };
  const stored = short ?? shape;
  const before = graph.maker(given);
  const source = (before?.op === "Reshape" ? graph.named(before.inputs[0]) : undefined) ?? given;
  if (same(source.stored, stored)) return { ...source, shape };
  return { ...graph.node("Reshape", [source, graph.int64s(stored)], stored), shape };
}

/** A short value reshaped by only adding or dropping axes of size one can stay short: its new stored shape. */
const shortReshape = (value: Value, shape: readonly number[]): readonly number[] | undefined => {
  if (same(value.stored, value.shape)) return undefined;
  const kept = value.shape.flatMap((size, axis) => (size === 1 ? [] : [{ size, stored: value.stored[axis] }]));
  if (
    !same(
      shape.filter((size) => size !== 1),
      kept.map(({ size }) => size),
    )
  )
    return undefined;
  let next = 0;
  return shape.map((size) => (size === 1 ? 1 : kept[next++].stored));
};

/** Number of values in a shape along some axes. */
export function sizeAlong(shape: readonly number[], axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => shape[axis]));
}
