import type { Attribute } from "../compile/graph.js";
import { literal } from "./kernel-text.js";
import type { DeviceType } from "./plan-node.js";
import type { Prelude } from "./prelude.js";

type Attributes = Readonly<Record<string, Attribute>>;

/** One operator, element by element: its WGSL from the WGSL of its arguments, of type `type`. */
export type MapFunction = {
  readonly write: (args: readonly string[], type: DeviceType, attributes: Attributes) => string;
  readonly needs: readonly Prelude[];
  /** The type it gives, where that is not the type it takes. */
  readonly gives?: DeviceType;
  readonly cost: number;
};

const float = (attributes: Attributes, name: string, otherwise: number): string => {
  const given = attributes[name];
  return literal(typeof given === "object" && "float" in given ? given.float : Number(given ?? otherwise), "f32");
};

const plain = (write: (a: string, b: string, type: DeviceType) => string, ...needs: Prelude[]): MapFunction => ({
  ...{ write: ([a, b], type) => write(a, b, type), needs, cost: 1 },
});
const costly = (write: (a: string, b: string, attributes: Attributes) => string, ...needs: Prelude[]): MapFunction => ({
  ...{ write: ([a, b], _, attributes) => write(a, b, attributes), needs, cost: 6 },
});
const test = (write: (a: string, b: string) => string, ...needs: Prelude[]): MapFunction => ({
  ...{ write: ([a, b]) => write(a, b), needs, gives: "bool", cost: 1 },
});
const extreme = (whole: string, floating: Prelude): MapFunction => ({
  write: (args, type) => args.reduce((a, b) => `${type === "i32" ? whole : floating}(${a}, ${b})`),
  needs: [floating],
  cost: 2,
});

/** Operators of ONNX that work element by element. */
export const mapFunctions: Readonly<Record<string, MapFunction>> = {
  Identity: plain((a) => a),
  Add: plain((a, b) => `${a} + ${b}`),
  Sub: plain((a, b) => `${a} - ${b}`),
  Mul: plain((a, b) => `${a} * ${b}`),
  Div: plain((a, b, type) => (type === "f32" ? `quotientOf(${a}, ${b})` : `${a} / ${b}`), "quotient"),
  Max: extreme("max", "larger"),
  Min: extreme("min", "smaller"),
  Pow: costly((a, b) => `powerOf(${a}, ${b})`, "power"),
  Mod: {
    write: ([a, b], type, { fmod }) =>
      type === "f32" ? `floatRemainder(${a}, ${b})` : fmod === 1 ? `${a} % ${b}` : `wholeModulo(${a}, ${b})`,
    needs: ["floatRemainder", "wholeModulo"],
    cost: 2,
  },
  BitwiseAnd: plain((a, b) => `${a} & ${b}`),
  Equal: test((a, b) => `${a} == ${b}`),
  Greater: test((a, b) => `${a} > ${b}`),
  GreaterOrEqual: test((a, b) => `${a} >= ${b}`),
  Less: test((a, b) => `${a} < ${b}`),
  LessOrEqual: test((a, b) => `${a} <= ${b}`),
  And: test((a, b) => `${a} && ${b}`),
  Or: test((a, b) => `${a} || ${b}`),
  Xor: test((a, b) => `${a} != ${b}`),
  Not: test((a) => `!${a}`),
  IsNaN: test((a) => `isNan(${a})`, "isNan"),
  IsInf: test((a) => `isInfinite(${a})`, "isInfinite"),
  Neg: plain((a) => `-${a}`),
  Abs: plain((a) => `abs(${a})`),
  Sign: plain((a, _, type) => (type === "f32" ? `sign(${a})` : `select(select(0i, 1i, ${a} > 0i), -1i, ${a} < 0i)`)),
  Floor: plain((a) => `floor(${a})`),
  Ceil: plain((a) => `ceil(${a})`),
  Round: plain((a) => `round(${a})`),
  Reciprocal: plain((a) => `1.0 / ${a}`),
  Sqrt: plain((a) => `sqrt(${a})`),
  Exp: costly((a) => `expOf(${a})`, "exp"),
  Log: costly((a) => `logOf(${a})`, "log"),
  Log1p: costly((a) => `log1pOf(${a})`, "log1p"),
  Sin: costly((a) => `sineOf(${a}, 0)`, "sine"),
  Cos: costly((a) => `sineOf(${a}, 1)`, "sine"),
  Tan: costly((a) => `sineOf(${a}, 0) / sineOf(${a}, 1)`, "sine"),
  Asin: costly((a) => `asinOf(${a})`, "asin"),
  Acos: costly((a) => `1.5707963267948966 - asinOf(${a})`, "asin"),
  Atan: costly((a) => `atanOf(${a})`, "atan"),
  Sinh: costly((a) => `0.5 * (expm1Of(${a}) - expm1Of(-${a}))`, "expm1"),
  Cosh: costly((a) => `0.5 * (expOf(${a}) + expOf(-${a}))`, "exp"),
  Tanh: costly((a) => `tanhOf(${a})`, "tanh"),
  Asinh: costly((a) => `asinhOf(${a})`, "asinh"),
  Acosh: costly((a) => `acoshOf(${a})`, "acosh"),
  Atanh: costly((a) => `0.5 * (log1pOf(${a}) - log1pOf(-${a}))`, "log1p"),
  Erf: costly((a) => `erfOf(${a})`, "erf"),
  Sigmoid: costly((a) => `1.0 / (1.0 + expOf(-${a}))`, "exp"),
  Softplus: costly((a) => `larger(${a}, 0.0) + log1pOf(exp(-abs(${a})))`, "larger", "log1p"),
  Gelu: costly((a) => `0.5 * ${a} * (1.0 + erfOf(${a} * 0.70710678118654752))`, "erf"),
  Relu: plain((a, _, type) => (type === "f32" ? `select(${a}, 0.0, ${a} < 0.0)` : `max(${a}, 0i)`)),
  LeakyRelu: costly((a, _, attributes) => `select(${a}, ${a} * ${float(attributes, "alpha", 0.01)}, ${a} < 0.0)`),
  Elu: costly(
    (a, _, attributes) => `select(${a}, ${float(attributes, "alpha", 1)} * expm1Of(${a}), ${a} < 0.0)`,
    "expm1",
  ),
  Selu: costly((a) => `1.0507009873554805 * select(${a}, 1.6732632423543772 * expm1Of(${a}), ${a} <= 0.0)`, "expm1"),
  HardSigmoid: {
    write: ([a], _, attributes) =>
      `clamp(${a} * ${float(attributes, "alpha", 0.2)} + ${float(attributes, "beta", 0.5)}, 0.0, 1.0)`,
    needs: [],
    cost: 2,
  },
  Clip: {
    write: ([a, low, high], type) =>
      type === "i32"
        ? `min(max(${a}, ${low}), ${high})`
        : `select(select(${a}, ${low}, ${a} < ${low}), ${high}, ${a} > ${high})`,
    needs: [],
    cost: 2,
  },
  Where: { write: ([condition, on, off]) => `select(${off}, ${on}, ${condition})`, needs: [], cost: 1 },
};

/** A value in another type: fractions are cut off, truth asks "is it not zero", which NaN is not (`!=` may say it is). */
export function castText(value: string, from: DeviceType, to: DeviceType): string {
  if (from === to) return value;
  if (to === "bool") return `!(${value} == ${literal(0, from)})`;
  if (from === "bool") return `select(${literal(0, to)}, ${literal(1, to)}, ${value})`;
  return to === "f32" ? `f32(${value})` : `i32(${value})`;
}

export const floatAttribute = float;
