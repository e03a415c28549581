import { add, cast, multiply, number, subtract } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRule, KernelRules } from "./kernel-rule.js";
import { select } from "./kernels-arithmetic.js";

const unary =
  (op: string): KernelRule =>
  ({ inputs: { x }, graph }) =>
    graph.elementwise(op, [x]);

/** Kernels that give float32 whatever comes in. */
const floating =
  (op: string): KernelRule =>
  ({ inputs: { x }, graph }) =>
    graph.elementwise(op, [cast(graph, x, "float32")]);

const test = (graph: GraphBuilder, op: string, inputs: readonly Value[]): Value =>
  graph.elementwise(op, inputs, { dtype: "bool" });

/** Whether it is NaN, or infinite; whole numbers never are, and have no such operation. */
const endless = (graph: GraphBuilder, op: string, x: Value): Value =>
  x.dtype === "float32" ? test(graph, op, [x]) : graph.splat(0, x.shape, "bool");

/** log(1 + x) without losing small x: x · log(u) / (u − 1) with u = 1 + x (Kahan, in HP-15C Advanced Functions, 1982). */
const log1p: KernelRule = ({ inputs, graph }) => {
  const x = cast(graph, inputs.x, "float32");
  const one = number(graph, 1, x);
  const u = add(graph, x, one);
  const gained = subtract(graph, u, one);
  const log = graph.elementwise("Log", [u]);
  const corrected = multiply(graph, x, graph.elementwise("Div", [log, gained]));
  const exact = select({ graph }, test(graph, "Equal", [gained, x]), log, corrected);
  return select({ graph }, test(graph, "Equal", [u, one]), x, exact);
};

/** exp(x) − 1 = tanh(x / 2) · (exp(x) + 1), which keeps small x. */
const expm1: KernelRule = ({ inputs, graph }) => {
  const x = cast(graph, inputs.x, "float32");
  const half = graph.elementwise("Tanh", [multiply(graph, x, number(graph, 0.5, x))]);
  return multiply(graph, half, add(graph, graph.elementwise("Exp", [x]), number(graph, 1, x)));
};

/** 1 above zero, alpha at and below. */
const step: KernelRule = ({ inputs: { x }, attributes: { alpha = 0 }, graph }) => {
  const above = test(graph, "Greater", [x, number(graph, 0, x)]);
  return select({ graph }, above, number(graph, 1, x), number(graph, alpha, x));
};

const fill =
  (value: number): KernelRule =>
  ({ inputs: { x }, graph }) =>
    graph.splat(value, x.shape, x.dtype);

/** Kernels of one tensor, element by element. */
export const unaryRules: KernelRules = {
  Identity: ({ inputs: { x } }) => x,
  Cast: ({ inputs: { x }, attributes: { dtype }, graph }) => cast(graph, x, dtype),
  ZerosLike: fill(0),
  OnesLike: fill(1),
  Neg: ({ inputs: { x }, graph }) =>
    x.dtype === "float32" ? multiply(graph, x, graph.splat(-1, x.shape, x.dtype)) : graph.elementwise("Neg", [x]),
  Abs: unary("Abs"),
  Sign: unary("Sign"),
  Floor: floating("Floor"),
  Ceil: floating("Ceil"),
  Round: floating("Round"),
  Reciprocal: floating("Reciprocal"),
  Exp: floating("Exp"),
  Expm1: expm1,
  Log: floating("Log"),
  Log1p: log1p,
  Sqrt: floating("Sqrt"),
  Rsqrt: ({ inputs: { x }, graph }) => graph.elementwise("Reciprocal", [graph.elementwise("Sqrt", [x])]),
  Square: ({ inputs: { x }, graph }) => multiply(graph, x, x),
  Sin: floating("Sin"),
  Cos: floating("Cos"),
  Tan: floating("Tan"),
  Asin: floating("Asin"),
  Acos: floating("Acos"),
  Atan: floating("Atan"),
  Sinh: floating("Sinh"),
  Cosh: floating("Cosh"),
  Tanh: floating("Tanh"),
  Asinh: floating("Asinh"),
  Acosh: floating("Acosh"),
  Atanh: floating("Atanh"),
  Erf: floating("Erf"),
  Sigmoid: floating("Sigmoid"),
  Softplus: floating("Softplus"),
  Relu: unary("Relu"),
  Relu6: ({ inputs: { x }, graph }) => graph.elementwise("Clip", [x, number(graph, 0, x), number(graph, 6, x)]),
  LeakyRelu: ({ inputs: { x }, attributes: { alpha }, graph }) =>
    graph.elementwise("LeakyRelu", [cast(graph, x, "float32")], { attributes: { alpha: { float: alpha } } }),
  Prelu: ({ inputs: { x, alpha }, graph }) =>
    select({ graph }, test(graph, "Less", [x, number(graph, 0, x)]), multiply(graph, x, alpha), x),
  Elu: floating("Elu"),
  EluGrad: ({ inputs: { dy, y }, graph }) => {
    const below = multiply(graph, dy, add(graph, y, number(graph, 1, y)));
    return select({ graph }, test(graph, "GreaterOrEqual", [y, number(graph, 0, y)]), dy, below);
  },
  Selu: floating("Selu"),
  Step: step,
  ClipByValue: ({ inputs: { x }, attributes: { clipValueMin, clipValueMax }, graph }) =>
    graph.elementwise("Clip", [x, number(graph, clipValueMin, x), number(graph, clipValueMax, x)]),
  IsNan: ({ inputs: { x }, graph }) => endless(graph, "IsNaN", x),
  IsInf: ({ inputs: { x }, graph }) => endless(graph, "IsInf", x),
  IsFinite: ({ inputs: { x }, graph }) =>
    test(graph, "Not", [test(graph, "Or", [endless(graph, "IsNaN", x), endless(graph, "IsInf", x)])]),
};
