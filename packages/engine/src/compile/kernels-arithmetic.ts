import { KdcError } from "@kdc-mae/core";
import { add, cast, divide, multiply, number, subtract } from "./arithmetic.js";
import { callSite } from "./call-site.js";
import type { Value } from "./graph-builder.js";
import type { KernelCall, KernelRule, KernelRules } from "./kernel-rule.js";

const binary =
  (op: string): KernelRule =>
  ({ inputs: { a, b }, graph }) =>
    graph.elementwise(op, [a, b]);

const comparison =
  (op: string): KernelRule =>
  ({ inputs: { a, b }, graph }) => {
    // ONNX compares numbers; truth values are compared as integers.
    const [left, right] = a.dtype === "bool" ? [cast(graph, a, "int32"), cast(graph, b, "int32")] : [a, b];
    return graph.elementwise(op, [left, right], { dtype: "bool" });
  };

const logical =
  (op: string): KernelRule =>
  ({ inputs: { a, b }, graph }) =>
    graph.elementwise(op, [cast(graph, a, "bool"), cast(graph, b, "bool")], { dtype: "bool" });

/** condition ? on : off, element by element; truth values travel as integers, which ONNX Runtime's Where knows. */
export const select = ({ graph }: Pick<KernelCall, "graph">, condition: Value, on: Value, off: Value): Value => {
  if (on.dtype !== "bool") return graph.elementwise("Where", [condition, on, off], { dtype: on.dtype });
  const picked = graph.elementwise("Where", [condition, cast(graph, on, "int32"), cast(graph, off, "int32")], {
    dtype: "int32",
  });
  return cast(graph, picked, "bool");
};

/** Division rounding down to whole numbers, int32 whatever comes in, as tfjs gives it. ONNX rounds towards zero. */
const floorDivide: KernelRule = ({ inputs: { a, b }, graph }) => {
  if (a.dtype === "float32") {
    return cast(graph, graph.elementwise("Floor", [graph.elementwise("Div", [a, b])]), "int32");
  }
  const quotient = graph.elementwise("Div", [a, b]);
  const rest = subtract(graph, a, multiply(graph, quotient, b));
  const isNegative = (x: Value) => graph.elementwise("Less", [x, number(graph, 0, x)], { dtype: "bool" });
  const signsDiffer = graph.elementwise("Xor", [isNegative(rest), isNegative(b)], { dtype: "bool" });
  const inexact = cast(graph, rest, "bool");
  const down = graph.elementwise("And", [signsDiffer, inexact], { dtype: "bool" });
  return subtract(graph, quotient, cast(graph, down, a.dtype));
};

/** Remainder with the sign of the divisor. */
const modulo: KernelRule = ({ inputs: { a, b }, graph }) => {
  if (a.dtype !== "float32") return graph.elementwise("Mod", [a, b]);
  const fmod = (x: Value, y: Value) => graph.elementwise("Mod", [x, y], { attributes: { fmod: 1 } });
  const rest = fmod(a, b);
  const isNegative = (x: Value) => graph.elementwise("Less", [x, number(graph, 0, x)], { dtype: "bool" });
  const signsDiffer = graph.elementwise("Xor", [isNegative(a), isNegative(b)], { dtype: "bool" });
  return select({ graph }, signsDiffer, fmod(add(graph, rest, b), b), rest);
};

/**
 * Angle of the point (b, a): the arc tangent of a / |b|, taken from π or −π where b is negative. As in IEEE 754, −0 lies
 * below the axis, or left of it, and two infinities are as good as two ones; NaN stays.
 */
const arcTangent2: KernelRule = ({ inputs: { a, b }, graph }) => {
  const [zero, one] = [number(graph, 0, a), number(graph, 1, a)];
  const test = (op: string, ...of: Value[]) => graph.elementwise(op, of, { dtype: "bool" });
  const isNegative = (x: Value) => test("Or", test("Less", x, zero), test("Less", divide(graph, one, x), zero));
  const size = graph.elementwise("Abs", [b]);
  const endless = test("And", test("IsInf", a), test("IsInf", b));
  // 0 / 0 is the side of zero that a is on.
  const atRest = test("And", test("Equal", a, zero), test("Equal", b, zero));
  const slope = select({ graph }, endless, graph.elementwise("Sign", [a]), graph.elementwise("Div", [a, size]));
  const angle = graph.elementwise("Atan", [select({ graph }, atRest, a, slope)]);
  const half = select({ graph }, isNegative(a), number(graph, -Math.PI, a), number(graph, Math.PI, a));
  return select({ graph }, isNegative(b), subtract(graph, half, angle), angle);
};

const power: KernelRule = ({ inputs: { a, b }, graph }) => {
  if (b.splat === 2 && b.shape.length === 0) return multiply(graph, a, a);
  if (a.dtype !== "float32") {
    throw new KdcError({
      where: callSite(new Error().stack) ?? "compile",
      what: `pow of ${a.dtype} tensors has no right value for negative exponents, nor beyond the type's range`,
      remedy: 'Cast them before: tf.cast(x, "float32"); or multiply',
      reason: "dtype",
    });
  }
  return graph.elementwise("Pow", [a, b]);
};

/** Kernels of two tensors, element by element. */
export const arithmeticRules: KernelRules = {
  Add: ({ inputs: { a, b }, graph }) => add(graph, a, b),
  Sub: ({ inputs: { a, b }, graph }) => subtract(graph, a, b),
  Multiply: ({ inputs: { a, b }, graph }) => multiply(graph, a, b),
  RealDiv: ({ inputs: { a, b }, graph }) => divide(graph, a, b),
  FloorDiv: floorDivide,
  Mod: modulo,
  Pow: power,
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Atan2: arcTangent2,
  SquaredDifference: ({ inputs: { a, b }, graph }) => {
    const difference = subtract(graph, a, b);
    return multiply(graph, difference, difference);
  },
  BitwiseAnd: binary("BitwiseAnd"),
  AddN: ({ list, graph }) => list.reduce((sum, next) => add(graph, sum, next)),
  Equal: comparison("Equal"),
  NotEqual: (call) => call.graph.elementwise("Not", [comparison("Equal")(call) as Value]),
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  LogicalAnd: logical("And"),
  LogicalOr: logical("Or"),
  LogicalXor: logical("Xor"),
  LogicalNot: ({ inputs: { x }, graph }) => graph.elementwise("Not", [cast(graph, x, "bool")], { dtype: "bool" }),
  Select: (call) => select(call, call.inputs.condition, call.inputs.t, call.inputs.e),
};
