import type * as tf from "@tensorflow/tfjs-core";
import type { GraphBuilder, Value } from "./graph-builder.js";
import { transpose } from "./kernels-shape.js";

/** Sizes, strides and padding of a convolution or pool, as tfjs works them out. */
export type Window = tf.backend_util.Conv2DInfo;

export type Shape4 = [number, number, number, number];

/** Pictures [B, C, H, W], as ONNX has them. */
export const channelsFirst = (graph: GraphBuilder, x: Value, format = "NHWC"): Value =>
  format === "NHWC" ? transpose(graph, x, [0, 3, 1, 2]) : x;

/** Back to the order tfjs has. */
export const channelsBack = (graph: GraphBuilder, x: Value, format = "NHWC"): Value =>
  format === "NHWC" ? transpose(graph, x, [0, 2, 3, 1]) : x;

export const pads = ({ padInfo: { top, left, bottom, right } }: Window): number[] => [top, left, bottom, right];
export const strides = (window: Window): number[] => [window.strideHeight, window.strideWidth];
export const dilations = (window: Window): number[] => [window.dilationHeight, window.dilationWidth];
export const kernel = (window: Window): number[] => [window.filterHeight, window.filterWidth];

/** Kernel sizes as the padding sees them, dilation included. */
const reach = (window: Window): number[] => kernel(window).map((size, i) => (size - 1) * dilations(window)[i] + 1);

export const outputShape = ({ batchSize, outChannels, outHeight, outWidth }: Window): Shape4 => [
  batchSize,
  outChannels,
  outHeight,
  outWidth,
];

/** The adjoint of a convolution: `dy` [B, O, h, w] and `weights` [O, I / groups, kh, kw] give [B, I, H, W]. */
export const transposedConvolution = (
  graph: GraphBuilder,
  dy: Value,
  weights: Value,
  window: Window,
  group: number,
): Value => {
  const sizes = [window.inHeight, window.inWidth];
  const [top, left, bottom, right] = pads(window);
  const covered = [window.outHeight, window.outWidth].map(
    (size, i) => (size - 1) * strides(window)[i] + reach(window)[i] - [top + bottom, left + right][i],
  );
  return graph.node("ConvTranspose", [dy, weights], [window.batchSize, window.inChannels, ...sizes], {
    attributes: {
      pads: pads(window),
      strides: strides(window),
      dilations: dilations(window),
      group,
      output_padding: sizes.map((size, i) => size - covered[i]),
    },
  });
};
