import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, int, numbers, testGradients, testValues, type X } from "./cases.test.support.js";

const axes = [undefined, 0, 1, 2, [0, 2]] as const;
const reductions = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min, prod: tf.prod };

describe("kernels that reduce", () => {
  testGradients(
    axes.flatMap((axis) =>
      [false, true].flatMap((keep) =>
        (["sum", "mean", "max", "min", "prod"] as const).flatMap((op) =>
          cases([
            `${op} over ${axis ?? "all"} ${keep ? "kept" : "dropped"}`,
            [float(5, 3, 2)],
            (x: X) => reductions[op](x, axis as number[] | undefined, keep),
          ]),
        ),
      ),
    ),
  );

  testGradients(
    cases(
      ["sum over −1", [float(5, 3)], (x: X) => tf.sum(x, -1)],
      ["sum of something repeated", [float(5, 1, 2)], (x: X) => tf.sum(tf.mul(x, tf.ones([5, 3, 2])), [1, 2])],
      ["sum of a repeated axis alone", [float(5, 1)], (x: X) => tf.sum(tf.mul(x, tf.ones([5, 3])), 1, true)],
      ["logSumExp", [float(5, 3)], (x: X) => tf.logSumExp(x, 1)],
      ["cumsum", [float(5, 3)], (x: X) => tf.cumsum(x, 1)],
      ["softmax", [float(5, 3, 7)], (x: X) => tf.softmax(x)],
      ["logSoftmax", [float(5, 7)], (x: X) => tf.logSoftmax(x)],
      ["softmax of a transpose", [float(5, 7)], (x: X) => tf.softmax(tf.transpose(x))],
      ["moments", [float(5, 3)], (x: X) => Object.values(tf.moments(x, 1))],
      ["norm", [float(5, 3)], (x: X) => tf.norm(x, "euclidean", 1)],
    ),
  );

  testValues(
    cases(
      ["cumsum exclusive reverse", [float(5, 3)], (x: X) => tf.cumsum(x, 0, true, true)],
      ["cumsum int", [int(-4, 5, 5, 3)], (x: X) => tf.cumsum(x, 0)],
      [
        "cumprod",
        [float(5, 3)],
        (x: X) => [
          tf.cumprod(x, 1),
          tf.cumprod(x, 0, true),
          tf.cumprod(x, 0, false, true),
          tf.cumprod(x, 0, true, true),
        ],
      ],
      [
        "all and any",
        [int(0, 2, 5, 3)],
        (x: X) => {
          const b = tf.cast(x, "bool");
          return [tf.all(b, 1), tf.any(b, 0, true), tf.all(b), tf.any(b)];
        },
      ],
      ["argMax, argMin", [float(5, 3, 7)], (x: X) => [tf.argMax(x, 1), tf.argMin(x, -1)]],
      [
        "reductions of ints",
        [int(-4, 5, 5, 3)],
        (x: X) => [tf.sum(x, 1), tf.max(x, 0), tf.min(x), tf.prod(x, 1), tf.mean(x, 1)],
      ],
      [
        "largest and smallest where one is NaN",
        [numbers([3, 3], [1, Number.NaN, 2, 1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])],
        (x: X) => [tf.max(x, 1), tf.min(x, 1), tf.max(x), tf.min(x, 0, true)],
      ],
      // Eager tfjs adds in 64 bits; one float32 after the other is off by 1 % here.
      [
        "sums and means of a million",
        [numbers([1], [0.1])],
        (x: X) => {
          const many = tf.add(tf.tile(x, [1_000_000]), tf.zeros([1_000_000])).mul(tf.sign(tf.range(1, 1_000_001)));
          return [tf.sum(many), tf.mean(many), tf.sum(tf.reshape(many, [250, 2000, 2]), [0, 1], true)];
        },
      ],
      ["sum of bools", [float(5, 3)], (x: X) => tf.sum(tf.greater(x, 0), 1)],
    ),
  );
});
