import { KdcError } from "@kdc-mae/core";
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

/**
 * The window as it is, where its windows fit into the padded picture as often as tfjs says. Where padding is given in numbers,
 * tfjs counts by the height of the window and the first stride, and may round up.
 */
export const fitting = (window: Window, where: string): Window => {
  const [top, left, bottom, right] = pads(window);
  const padded = [window.inHeight + top + bottom, window.inWidth + left + right];
  const fits = padded.map((size, i) => Math.floor((size - reach(window)[i]) / strides(window)[i]) + 1);
  const said = [window.outHeight, window.outWidth];
  if (fits.join() !== said.join()) {
    throw new KdcError({
      where,
      what: `tfjs says that this padding gives ${said.join(" × ")} places to the window, and there are ${fits.join(" × ")}`,
      remedy: 'Pad the picture with tf.pad and use padding "valid", or give square windows and equal strides',
      reason: "shape",
    });
  }
  return window;
};

/** How many cells of the picture each window covers, padding left out: h · w numbers, row after row. */
export const covered = ({ padInfo, outHeight, outWidth, ...window }: Window): number[] => {
  const along = (outputs: number, stride: number, before: number, size: number, inputs: number): number[] =>
    Array.from({ length: outputs }, (_, i) => {
      const start = i * stride - before;
      return Math.min(inputs, start + size) - Math.max(0, start);
    });
  const rows = along(outHeight, window.strideHeight, padInfo.top, window.filterHeight, window.inHeight);
  const columns = along(outWidth, window.strideWidth, padInfo.left, window.filterWidth, window.inWidth);
  return rows.flatMap((row) => columns.map((column) => row * column));
};

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
