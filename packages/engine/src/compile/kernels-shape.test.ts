import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, int, testGradients, testValues, type X } from "./cases.test.support.js";

const repeated = (x: X): X => tf.add(x, tf.zeros([5, 3]));

describe("kernels that change shapes", () => {
  testGradients(
    cases(
      ["reshape", [float(5, 6)], (x: X) => tf.reshape(tf.reshape(tf.square(x), [5, 2, 3]), [-1, 10])],
      ["reshape there and back", [float(5, 6)], (x: X) => tf.reshape(tf.reshape(tf.square(x), [30]), [5, 6])],
      ["expandDims, squeeze", [float(5, 3)], (x: X) => tf.squeeze(tf.expandDims(tf.expandDims(x, 1), -1), [1])],
      ["reshape of something repeated", [float(5, 1)], (x: X) => tf.reshape(repeated(x), [5, 1, 3, 1])],
      ["reshape that mixes something repeated", [float(5, 1)], (x: X) => tf.reshape(repeated(x), [3, 5])],
      ["transpose", [float(5, 3, 2)], (x: X) => tf.transpose(x, [2, 0, 1])],
      ["transpose twice", [float(5, 3, 2)], (x: X) => tf.transpose(tf.transpose(x, [2, 0, 1]), [2, 1, 0])],
      ["transpose back", [float(5, 3, 2)], (x: X) => tf.transpose(tf.transpose(x, [2, 0, 1]), [1, 2, 0])],
      ["transpose of something repeated", [float(5, 1)], (x: X) => tf.transpose(repeated(x))],
      ["tile", [float(5, 3)], (x: X) => tf.tile(x, [2, 3])],
      ["tile ones", [float(5, 1, 3)], (x: X) => tf.tile(x, [1, 7, 1])],
      ["broadcastTo", [float(1, 3)], (x: X) => tf.broadcastTo(x, [2, 5, 3])],
      ["something repeated leaves whole", [float(5, 1)], (x: X) => [repeated(x), tf.concat([repeated(x), x], 1)]],
    ),
  );

  testValues(
    cases(
      [
        "fill, range, linspace, eye",
        [float(3)],
        (x: X) => [
          tf.add(x, tf.fill([5, 3], 2)),
          tf.mul(x, tf.range(0, 3)),
          tf.add(x, tf.linspace(0, 1, 3)),
          tf.matMul(tf.eye(3), tf.reshape(x, [3, 1])),
          tf.range(6, 0, -2, "int32"),
        ],
      ],
      [
        "constants",
        [float(3)],
        (x: X) => [tf.clone(x), x, tf.tensor([1, 2, 3]), tf.scalar(4, "int32"), tf.ones([2, 3])],
      ],
      [
        "tile, transpose, reshape of ints",
        [int(-3, 4, 5, 3)],
        (x: X) => tf.reshape(tf.transpose(tf.tile(x, [1, 2])), [10, 3]),
      ],
    ),
  );
});
