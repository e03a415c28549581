import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import {
  cases,
  float,
  int,
  numbers,
  operation,
  positive,
  testGradients,
  testValues,
  type X,
} from "./cases.test.support.js";

const everywhere = [
  "exp",
  "expm1",
  "sigmoid",
  "softplus",
  "erf",
  "sin",
  "cos",
  "tanh",
  "atan",
  "sinh",
  "cosh",
  "asinh",
];
const shaped = ["square", "elu", "selu", "neg", "abs", "relu", "relu6", "clone"];
const inUnit = ["tan", "asin", "acos", "atanh"];
const flat = ["sign", "floor", "ceil", "round", "zerosLike", "onesLike", "step"];

describe("kernels of one tensor", () => {
  testGradients([
    ...[...everywhere, ...shaped].map((name) => ({ name, inputs: [float(5, 3)], fn: operation(name) })),
    ...["log", "log1p", "sqrt", "rsqrt", "reciprocal"].map((name) => ({
      name,
      inputs: [positive(7, 2)],
      fn: operation(name),
    })),
    ...inUnit.map((name) => ({ name, inputs: [numbers([5], [-0.9, -0.3, 0, 0.5, 0.8])], fn: operation(name) })),
    ...cases(
      ["acosh", [numbers([3], [1.1, 2, 7])], (x: X) => tf.acosh(x)],
      ["leakyRelu", [float(5, 3)], (x: X) => tf.leakyRelu(x, 0.3)],
      ["prelu", [float(5, 3), positive(3)], (x: X, a: X) => tf.prelu(x, a)],
      ["clipByValue", [float(5, 7)], (x: X) => tf.clipByValue(x, -0.5, 0.8)],
      ["cast there and back", [float(5, 3)], (x: X) => tf.mul(x, tf.cast(tf.cast(x, "bool"), "float32"))],
    ),
  ]);

  testValues([
    ...flat.map((name) => ({ name, inputs: [float(5, 3)], fn: operation(name) })),
    ...cases(
      ["round halves", [numbers([5], [0.5, 1.5, 2.5, -0.5, -1.5])], (x: X) => tf.round(x)],
      ["log1p of small numbers", [numbers([4], [1e-7, -3e-6, 0, 1e9])], (x: X) => tf.mul(tf.log1p(x), 1e6)],
      ["expm1 of small numbers", [numbers([4], [1e-7, -3e-6, 0, -40])], (x: X) => tf.mul(tf.expm1(x), 1e6)],
      // IEEE 754: what has no value is NaN, and NaN stays NaN. Eager tfjs computes with JavaScript's Math, in 64 bits.
      [
        "logarithms of what has none, of infinity and of NaN",
        [numbers([7], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -2.5, 0, 1e30, 0.75])],
        (x: X) => [
          tf.log(x),
          tf.log1p(x),
          tf.sqrt(x),
          tf.acosh(x),
          tf.atanh(x),
          tf.log(tf.asinh(tf.mul(x, 1e8))),
          tf.cast(x, "bool"),
        ],
      ],
      [
        "exponentials of NaN and infinity",
        [numbers([4], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5])],
        (x: X) => [
          tf.exp(x),
          tf.sigmoid(x),
          tf.cosh(x),
          tf.sinh(x),
          tf.tanh(x),
          tf.softplus(x),
          tf.expm1(x),
          tf.elu(x),
        ],
      ],
      [
        "logarithms about 1, where all is in the last digits",
        [numbers([5], [1e-4, -1e-6, 3e-7, 1e-3, -1e-3])],
        (x: X) => [tf.mul(tf.log1p(x), 1e4), tf.mul(tf.log(tf.add(x, 1)), 1e4), tf.log1p(tf.mul(x, 1e-4)).mul(1e6)],
      ],
      [
        "isNaN, isInf, isFinite",
        [numbers([4], [1, Number.NaN, Number.POSITIVE_INFINITY, 0])],
        (x: X) => [tf.isNaN(x), tf.isInf(x), tf.isFinite(x)],
      ],
      ["casts", [float(5, 3)], (x: X) => [tf.cast(x, "int32"), tf.cast(tf.greater(x, 0), "int32"), tf.cast(x, "bool")]],
      ["on ints", [int(-4, 5, 7)], (x: X) => [tf.abs(x), tf.neg(x), tf.square(x), tf.relu(x), tf.cast(x, "float32")]],
    ),
  ]);
});
