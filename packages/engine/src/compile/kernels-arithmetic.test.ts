import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import {
  cases,
  float,
  int,
  notOnTensorflow,
  numbers,
  operation,
  positive,
  testGradients,
  testValues,
  type X,
} from "./cases.test.support.js";

const shapePairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [5, 3],
    [5, 3],
  ],
  [[5, 3], [3]],
  [[7], [5, 1]],
  [
    [2, 1, 3],
    [7, 1],
  ],
  [[3, 2], []],
];
/** Their gradients in tfjs do not know broadcasting, on any backend. */
const unbroadcast = ["maximum", "minimum", "squaredDifference"];
const comparisons = ["equal", "notEqual", "greater", "greaterEqual", "less", "lessEqual"];
const signed = { dtype: "int32", shape: [7], data: Int32Array.of(-3, 2, 5, -1, 4, -2, 3) } as const;

describe("kernels of two tensors", () => {
  testGradients([
    ...["add", "sub", "mul", "div", "mod", "atan2"].flatMap((name) =>
      shapePairs.map(([a, b]) => ({
        name: `${name} [${a}] [${b}]`,
        inputs: [float(...a), name === "div" || name === "mod" ? positive(...b) : float(...b)],
        fn: operation(name),
      })),
    ),
    ...unbroadcast.map((name) => ({ name, inputs: [float(5, 3), float(5, 3)], fn: operation(name) })),
    ...cases(
      ["pow by a tensor", [positive(5, 3), positive(3)], (a: X, b: X) => tf.pow(a, b)],
      ["pow 2", [float(5, 3)], (a: X) => tf.pow(a, 2)],
      ["pow 3", [float(5, 3)], (a: X) => tf.pow(a, 3)],
      ["addN", [float(5, 3), float(5, 3), float(5, 3)], (a: X, b: X, c: X) => tf.addN([a, b, c])],
      [
        "where",
        [int(0, 2, 5, 3), float(5, 3), float(5, 3)],
        (c: X, a: X, b: X) => tf.where(tf.cast(c, "bool"), a, tf.mul(b, 2)),
      ],
      ["known factors", [float(5, 3)], (x: X) => tf.mul(tf.div(tf.mul(tf.neg(tf.mul(2, x)), 3), 7), 0.5)],
      ["zeros and ones", [float(3)], (x: X) => tf.mul(tf.add(tf.zeros([5, 3]), x), tf.ones([2, 5, 3]))],
      ["less zeros, over ones", [float(5, 3)], (x: X) => tf.div(tf.sub(x, tf.zeros([3])), tf.ones([5, 1]))],
      ["over a known number", [float(5, 3)], (x: X) => tf.div(x, 7)],
    ),
  ]);

  testValues([
    ...unbroadcast.flatMap((name) =>
      shapePairs.map(([a, b]) => ({
        name: `${name} [${a}] [${b}]`,
        inputs: [float(...a), float(...b)],
        fn: operation(name),
      })),
    ),
    ...comparisons.flatMap((name) => [
      { name, inputs: [float(5, 3), float(3)], fn: operation(name) },
      { name: `${name} int`, inputs: [int(-3, 4, 5, 3), int(-3, 4, 3)], fn: operation(name) },
    ]),
    ...["add", "sub", "mul", "div", "floorDiv", "mod", "maximum", "minimum", "squaredDifference"].map((name) => ({
      name: `${name} int`,
      inputs: [int(-9, 10, 5, 7), signed],
      fn: operation(name),
    })),
    ...notOnTensorflow(
      "its quotient of floats stays float",
      cases(["floorDiv float", [float(5, 3), positive(3)], (a: X, b: X) => tf.floorDiv(a, b)]),
    ),
    ...notOnTensorflow(
      "it has no such kernel",
      cases(["bitwiseAnd", [int(-99, 100, 5, 7), int(-99, 100, 5, 7)], (a: X, b: X) => tf.bitwiseAnd(a, b)]),
    ),
    ...cases(
      [
        "mod, exact whatever the quotient",
        [numbers([7], [1e10, 1, 0.3, -7.5, 1e20, 5, -5]), numbers([7], [7, 0.1, 0.1, 2, 3, 0, -3])],
        (a: X, b: X) => tf.mod(a, b),
      ],
      [
        "over a known number, to the last digit",
        [numbers([6], [55, 110, 147, 41, 82, 3])],
        (x: X) => [55, 49, 41, 3, 0.1].map((by) => tf.floor(tf.div(x, by))),
      ],
      // 1 to the power of NaN is 1 in IEEE 754 and NaN in JavaScript.
      [
        "pow of NaN and to it",
        [numbers([4], [Number.NaN, -2, 3, 0]), numbers([4], [1, Number.NaN, Number.NaN, Number.NaN])],
        (a: X, b: X) => tf.pow(a, b),
      ],
      ["factors too small for one number", [float(5)], (x: X) => tf.mul(tf.mul(tf.mul(x, 1e-30), 1e-30), 1e30)],
      [
        "logical",
        [int(0, 2, 5, 3), int(0, 2, 3)],
        (a: X, b: X) => {
          const [p, q] = [tf.cast(a, "bool"), tf.cast(b, "bool")];
          return [tf.logicalAnd(p, q), tf.logicalOr(p, q), tf.logicalXor(p, q), tf.logicalNot(p), tf.equal(p, q)];
        },
      ],
      [
        "where on ints and on bools",
        [int(0, 2, 5, 3), int(-4, 5, 5, 3)],
        (c: X, x: X) => {
          const condition = tf.cast(c, "bool");
          return [tf.where(condition, x, tf.zerosLike(x)), tf.where(condition, tf.greater(x, 0), condition)];
        },
      ],
    ),
  ]);
});
