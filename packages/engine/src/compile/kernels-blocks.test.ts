import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, int, testGradients, testValues, type X } from "./cases.test.support.js";

type Pictures = tf.Tensor4D;

describe("blocks between space and batch", () => {
  testGradients(
    cases(
      [
        "spaceToBatchND",
        [float(2, 5, 7, 3)],
        (x: Pictures) =>
          tf.spaceToBatchND(
            x,
            [2, 3],
            [
              [1, 0],
              [0, 2],
            ],
          ),
      ],
      ["spaceToBatchND along one axis", [float(2, 6, 5)], (x: X) => tf.spaceToBatchND(x, [3], [[2, 1]])],
      [
        "batchToSpaceND",
        [float(12, 3, 5, 2)],
        (x: Pictures) =>
          tf.batchToSpaceND(
            x,
            [2, 3],
            [
              [1, 2],
              [0, 4],
            ],
          ),
      ],
      ["batchToSpaceND along one axis", [float(6, 5, 2)], (x: X) => tf.batchToSpaceND(x, [3], [[2, 1]])],
      [
        "dilated pools",
        [float(2, 9, 8, 3)],
        (x: Pictures) => [tf.pool(x, [3, 2], "avg", "same", [2, 3]), tf.pool(x, 2, "max", "valid", 2)],
      ],
    ),
  );
  testValues(cases(["spaceToBatchND of ints", [int(-3, 4, 2, 5, 3)], (x: X) => tf.spaceToBatchND(x, [2], [[0, 1]])]));
});
