import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, notOnTensorflow, positive, testGradients, testValues, type X } from "./cases.test.support.js";

type Pictures = tf.Tensor4D;

describe("convolution kernels", () => {
  testGradients(
    cases(
      [
        "conv2d same, stride 2",
        [float(2, 7, 6, 3), float(3, 3, 3, 5)],
        (x: Pictures, f: Pictures) => tf.conv2d(x, f, 2, "same"),
      ],
      [
        "conv2d valid",
        [float(2, 7, 6, 3), float(3, 2, 3, 5)],
        (x: Pictures, f: Pictures) => tf.conv2d(x, f, [1, 2], "valid"),
      ],
      [
        "conv2d of patches",
        [float(2, 8, 12, 3), float(4, 4, 3, 5)],
        (x: Pictures, f: Pictures) => tf.conv2d(x, f, 4, "valid"),
      ],
      [
        "conv2dTranspose",
        [float(2, 4, 3, 5), float(3, 3, 2, 5)],
        (x: Pictures, f: Pictures) => tf.conv2dTranspose(x, f, [2, 7, 6, 2], 2, "same"),
      ],
      [
        "depthwiseConv2d same",
        [float(2, 7, 6, 3), float(3, 5, 3, 1)],
        (x: Pictures, f: Pictures) => tf.depthwiseConv2d(x, f, 1, "same"),
      ],
      [
        "depthwiseConv2d, stride 2, two maps a channel",
        [float(5, 7, 6, 3), float(3, 2, 3, 2)],
        (x: Pictures, f: Pictures) => tf.depthwiseConv2d(x, f, 2, "same"),
      ],
      [
        "depthwiseConv2d valid, steps that leave a rest, one picture",
        [float(9, 7, 3), float(3, 2, 3, 5)],
        (x: tf.Tensor3D, f: Pictures) => tf.depthwiseConv2d(x, f, [2, 3], "valid"),
      ],
      [
        "separableConv2d",
        [float(2, 7, 6, 3), float(3, 3, 3, 2), float(1, 1, 6, 5)],
        (x: Pictures, f: Pictures, points: Pictures) => tf.separableConv2d(x, f, points, 1, "same"),
      ],
      [
        "batchNorm",
        [float(5, 3), float(3), positive(3), float(3), float(3)],
        (x: X, m: tf.Tensor1D, v: tf.Tensor1D, o: tf.Tensor1D, s: tf.Tensor1D) => tf.batchNorm(x, m, v, o, s, 1e-3),
      ],
    ),
  );

  testValues(
    cases(
      [
        "dilated conv2d",
        [float(2, 9, 8, 3), float(3, 3, 3, 5)],
        (x: Pictures, f: Pictures) => tf.conv2d(x, f, 1, "same", "NHWC", 2),
      ],
      [
        "dilated depthwiseConv2d",
        [float(2, 9, 8, 3), float(3, 2, 3, 2)],
        (x: Pictures, f: Pictures) => tf.depthwiseConv2d(x, f, 1, "same", "NHWC", [2, 3]),
      ],
      [
        "fused depthwiseConv2d",
        [float(2, 7, 6, 3), float(3, 3, 3, 2), float(6)],
        (x: Pictures, filter: Pictures, bias: X) =>
          tf.fused.depthwiseConv2d({ x, filter, strides: 1, pad: "same", bias, activation: "relu" }),
      ],
    ),
  );

  testValues(
    notOnTensorflow(
      "its fused conv2d takes no padding by number",
      cases([
        "fused conv2d",
        [float(2, 7, 6, 3), float(3, 3, 3, 5), float(5)],
        (x: Pictures, filter: Pictures, bias: X) =>
          tf.fused.conv2d({ x, filter, strides: 1, pad: 1, bias, activation: "sigmoid" }),
      ]),
    ),
  );
});
