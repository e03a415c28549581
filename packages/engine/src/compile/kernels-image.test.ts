import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, testLinear, testValues } from "./cases.test.support.js";

type Pictures = tf.Tensor4D;
const { resizeBilinear, resizeNearestNeighbor } = tf.image;

const resizing = cases(
  ["resizeBilinear", [float(2, 5, 3, 2)], (x: Pictures) => resizeBilinear(x, [7, 11])],
  ["resizeBilinear, corners aligned", [float(2, 5, 3, 2)], (x: Pictures) => resizeBilinear(x, [7, 11], true)],
  ["resizeBilinear smaller", [float(2, 7, 11, 2)], (x: Pictures) => resizeBilinear(x, [5, 3])],
  ["resizeNearestNeighbor", [float(2, 5, 3, 2)], (x: Pictures) => resizeNearestNeighbor(x, [7, 11])],
  [
    "resizeNearestNeighbor, corners aligned",
    [float(2, 5, 3, 2)],
    (x: Pictures) => resizeNearestNeighbor(x, [7, 11], true),
  ],
);

describe("resizing kernels", () => {
  testValues([
    ...resizing,
    ...cases(
      ["resizeBilinear, half pixels", [float(2, 5, 3, 2)], (x: Pictures) => resizeBilinear(x, [7, 4], false, true)],
      [
        "resizeNearestNeighbor, half pixels",
        [float(2, 5, 3, 2)],
        (x: Pictures) => resizeNearestNeighbor(x, [3, 2], false, true),
      ],
    ),
  ]);
  testLinear(resizing);
});

describe("mirroring and pixels from channels", () => {
  testValues(
    cases(
      ["flipLeftRight", [float(2, 5, 3, 2)], (x: Pictures) => tf.image.flipLeftRight(x)],
      ["depthToSpace", [float(2, 5, 3, 18)], (x: Pictures) => tf.depthToSpace(x, 3)],
    ),
  );
});
