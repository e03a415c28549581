import { reshape } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelRule, KernelRules } from "./kernel-rule.js";
import { matrixProduct } from "./kernels-matrix.js";
import { transpose } from "./kernels-shape.js";
import { slicingRules } from "./kernels-slicing.js";
import { bilinearMatrix, nearestMatrix, type PixelPlaces, type ResamplingMatrix } from "./resampling.js";

/** A matrix applied to the second axis of x [A, from, C]. */
const alongSecond = (graph: GraphBuilder, matrix: Value, x: Value, flipped: boolean): Value => {
  const applied = flipped ? transpose(graph, matrix, [1, 0]) : matrix;
  return matrixProduct(graph, applied, x, false, false);
};

/** Both axes of images [B, H, W, C] through their matrices, or through the transposes of them. */
const resample = (graph: GraphBuilder, x: Value, rows: Value, columns: Value, flipped: boolean): Value => {
  const [batch, height, width, channels] = x.shape;
  const tall = alongSecond(graph, rows, reshape(graph, x, [batch, height, width * channels]), flipped);
  const newHeight = tall.shape[1];
  const wide = alongSecond(graph, columns, reshape(graph, tall, [batch * newHeight, width, channels]), flipped);
  return reshape(graph, wide, [batch, newHeight, wide.shape[1], channels]);
};

const resize =
  (matrix: ResamplingMatrix): KernelRule =>
  ({ inputs: { images }, attributes: { size, ...sampling }, graph }) => {
    const make = (from: number, to: number) =>
      graph.constant(matrix(from, to, sampling as PixelPlaces), [to, from], "float32");
    return resample(graph, images, make(images.shape[1], size[0]), make(images.shape[2], size[1]), false);
  };

const resizeGradient =
  (matrix: ResamplingMatrix): KernelRule =>
  ({ inputs: { images, dy }, attributes, graph }) => {
    const make = (from: number, to: number) =>
      graph.constant(matrix(from, to, attributes as PixelPlaces), [to, from], "float32");
    return resample(graph, dy, make(images.shape[1], dy.shape[1]), make(images.shape[2], dy.shape[2]), true);
  };

/** Channels [B, H, W, b · b · C] become squares of b × b pixels, [B, b · H, b · W, C]. */
const pixelsFromChannels = (graph: GraphBuilder, x: Value, block: number): Value => {
  const [batch, height, width, depth] = x.shape;
  const channels = depth / block ** 2;
  const split = reshape(graph, x, [batch, height, width, block, block, channels]);
  return reshape(graph, transpose(graph, split, [0, 1, 3, 2, 4, 5]), [batch, height * block, width * block, channels]);
};

const depthToSpace: KernelRule = ({ inputs: { x }, attributes: { blockSize, dataFormat }, graph }) => {
  if (dataFormat !== "NCHW") return pixelsFromChannels(graph, x, blockSize);
  return transpose(graph, pixelsFromChannels(graph, transpose(graph, x, [0, 2, 3, 1]), blockSize), [0, 3, 1, 2]);
};

/** Resizing pictures [B, H, W, C] and its gradients, mirroring them, and pixels from channels. */
export const imageRules: KernelRules = {
  DepthToSpace: depthToSpace,
  FlipLeftRight: (call) =>
    slicingRules.Reverse({ ...call, inputs: { x: call.inputs.image }, attributes: { dims: [2] } }),
  ResizeBilinear: resize(bilinearMatrix),
  ResizeBilinearGrad: resizeGradient(bilinearMatrix),
  ResizeNearestNeighbor: resize(nearestMatrix),
  ResizeNearestNeighborGrad: resizeGradient(nearestMatrix),
};
