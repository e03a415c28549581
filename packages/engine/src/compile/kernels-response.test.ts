import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, testGradients } from "./cases.test.support.js";

type Pictures = tf.Tensor4D;

describe("local response normalization", () => {
  testGradients(
    cases(
      ["as tfjs sets it", [float(2, 3, 5, 7)], (x: Pictures) => tf.localResponseNormalization(x)],
      [
        "with settings of its own, one picture",
        [float(3, 5, 7)],
        (x: tf.Tensor3D) => tf.localResponseNormalization(x, 2, 1.5, 0.3, 0.75),
      ],
    ),
  );
});
