import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, testGradients, testLinear, testValues } from "./cases.test.support.js";

type Pictures = tf.Tensor4D;
const overTheEdge = cases(["avgPool over the edge", [float(2, 7, 6, 3)], (x: Pictures) => tf.avgPool(x, 3, 2, "same")]);

describe("pooling kernels", () => {
  testGradients(
    cases(
      ["maxPool", [float(2, 7, 6, 3)], (x: Pictures) => tf.maxPool(x, 3, 2, "same")],
      ["avgPool", [float(2, 7, 6, 3)], (x: Pictures) => tf.avgPool(x, [3, 2], 2, "valid")],
    ),
  );
  testValues(overTheEdge);
  testLinear(overTheEdge);
});
