import { sizeOf } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { add, divide, multiply, number, reshape, subtract } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph.js";
import type { KernelCall, KernelRule, KernelRules } from "./kernel-rule.js";
import { biasAndActivation } from "./kernels-matrix.js";
import { transpose } from "./kernels-shape.js";

type Window = tf.backend_util.Conv2DInfo;
type Shape4 = [number, number, number, number];

const channelsFirst = (graph: GraphBuilder, x: Value, format = "NHWC"): Value =>
  format === "NHWC" ? transpose(graph, x, [0, 3, 1, 2]) : x;

const channelsBack = (graph: GraphBuilder, x: Value, format = "NHWC"): Value =>
  format === "NHWC" ? transpose(graph, x, [0, 2, 3, 1]) : x;

/** How tfjs itself reads strides, padding and sizes from the attributes of a convolution. */
const windowOf = (
  { attributes }: KernelCall,
  inputShape: readonly number[],
  filterShape: readonly number[],
  depthwise = false,
): Window =>
  tf.backend_util.computeConv2DInfo(
    [...inputShape] as Shape4,
    [...filterShape] as Shape4,
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
    attributes.dimRoundingMode,
    depthwise,
    tf.backend_util.convertConv2DDataFormat(attributes.dataFormat ?? "NHWC"),
  );

const poolOf = ({ attributes }: KernelCall, inputShape: readonly number[]): Window =>
  tf.backend_util.computePool2DInfo(
    [...inputShape] as Shape4,
    attributes.filterSize,
    attributes.strides,
    1,
    attributes.pad,
    attributes.dimRoundingMode,
  );

const pads = ({ padInfo: { top, left, bottom, right } }: Window): number[] => [top, left, bottom, right];
const strides = (window: Window): number[] => [window.strideHeight, window.strideWidth];
const dilations = (window: Window): number[] => [window.dilationHeight, window.dilationWidth];
const kernel = (window: Window): number[] => [window.filterHeight, window.filterWidth];

/** Kernel sizes as the padding sees them, dilation included. */
const reach = (window: Window): number[] => kernel(window).map((size, i) => (size - 1) * dilations(window)[i] + 1);

const outputShape = ({ batchSize, outChannels, outHeight, outWidth }: Window): Shape4 => [
  batchSize,
  outChannels,
  outHeight,
  outWidth,
];

/** The adjoint of a convolution: `dy` [B, O, h, w] and `weights` [O, I / groups, kh, kw] give [B, I, H, W]. */
const transposedConvolution = (
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

const convolve = (call: KernelCall): Value => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, inputs.x.shape, inputs.filter.shape);
  const weights = transpose(graph, inputs.filter, [3, 2, 0, 1]);
  const y = graph.node("Conv", [channelsFirst(graph, inputs.x, attributes.dataFormat), weights], outputShape(window), {
    attributes: { pads: pads(window), strides: strides(window), dilations: dilations(window) },
  });
  return channelsBack(graph, y, attributes.dataFormat);
};

const convolutionInputGradient: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, attributes.inputShape, inputs.filter.shape);
  const weights = transpose(graph, inputs.filter, [3, 2, 0, 1]);
  const dx = transposedConvolution(graph, channelsFirst(graph, inputs.dy, attributes.dataFormat), weights, window, 1);
  return channelsBack(graph, dx, attributes.dataFormat);
};

/** The filter's gradient is a convolution of x by dy, channels and batch exchanged, strides and dilations exchanged. */
const convolutionFilterGradient: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, inputs.x.shape, attributes.filterShape);
  const channelsLead = (x: Value) =>
    transpose(graph, x, attributes.dataFormat === "NCHW" ? [1, 0, 2, 3] : [3, 0, 1, 2]);
  const [top, left, bottom, right] = pads(window);
  const padded = [window.inHeight + top + bottom, window.inWidth + left + right];
  const out = [window.outHeight, window.outWidth];
  const sizes = padded.map((size, i) =>
    Math.floor((size - (out[i] - 1) * strides(window)[i] - 1) / dilations(window)[i] + 1),
  );
  const all = graph.node(
    "Conv",
    [channelsLead(inputs.x), channelsLead(inputs.dy)],
    [window.inChannels, window.outChannels, ...sizes],
    { attributes: { pads: pads(window), strides: dilations(window), dilations: strides(window) } },
  );
  const cut = graph.node(
    "Slice",
    [all, graph.int64s([0, 0]), graph.int64s(kernel(window)), graph.int64s([2, 3])],
    [window.inChannels, window.outChannels, ...kernel(window)],
  );
  return transpose(graph, cut, [2, 3, 0, 1]);
};

/** Filter [kh, kw, C, M] as grouped ONNX weights [C · M, 1, kh, kw]. */
const depthwiseWeights = (graph: GraphBuilder, filter: Value): Value => {
  const [height, width, channels, multiplier] = filter.shape;
  return reshape(graph, transpose(graph, filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
};

const depthwise: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, inputs.x.shape, inputs.filter.shape, true);
  const x = channelsFirst(graph, inputs.x, attributes.dataFormat);
  const y = graph.node("Conv", [x, depthwiseWeights(graph, inputs.filter)], outputShape(window), {
    attributes: {
      pads: pads(window),
      strides: strides(window),
      dilations: dilations(window),
      group: window.inChannels,
    },
  });
  return channelsBack(graph, y, attributes.dataFormat);
};

const depthwiseInputGradient: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, attributes.inputShape, inputs.filter.shape, true);
  const dy = channelsFirst(graph, inputs.dy, attributes.dataFormat);
  const weights = depthwiseWeights(graph, inputs.filter);
  return channelsBack(
    graph,
    transposedConvolution(graph, dy, weights, window, window.inChannels),
    attributes.dataFormat,
  );
};

const poolAttributes = (window: Window) => ({
  kernel_shape: kernel(window),
  pads: pads(window),
  strides: strides(window),
});

const pool =
  (op: string): KernelRule =>
  (call) => {
    const window = poolOf(call, call.inputs.x.shape);
    const x = channelsFirst(call.graph, call.inputs.x);
    return channelsBack(
      call.graph,
      call.graph.node(op, [x], outputShape(window), { attributes: poolAttributes(window) }),
    );
  };

/** How many cells of the input each window of an average pool covers, [1, 1, h, w]. */
const coverage = (graph: GraphBuilder, window: Window): Value => {
  const along = (outputs: number, stride: number, before: number, size: number, inputs: number): number[] =>
    Array.from({ length: outputs }, (_, i) => {
      const start = i * stride - before;
      return Math.min(inputs, start + size) - Math.max(0, start);
    });
  const { padInfo, outHeight, outWidth } = window;
  const rows = along(outHeight, window.strideHeight, padInfo.top, window.filterHeight, window.inHeight);
  const columns = along(outWidth, window.strideWidth, padInfo.left, window.filterWidth, window.inWidth);
  const counts = rows.flatMap((row) => columns.map((column) => row * column));
  return graph.constant(counts, [1, 1, outHeight, outWidth], "float32");
};

const averagePoolGradient: KernelRule = (call) => {
  const { inputs, graph } = call;
  const window = poolOf(call, inputs.input.shape);
  const share = divide(graph, channelsFirst(graph, inputs.dy), coverage(graph, window));
  const ones = graph.splat(1, [window.inChannels, 1, ...kernel(window)], "float32");
  return channelsBack(graph, transposedConvolution(graph, share, ones, window, window.inChannels));
};

/** Each gradient goes to the cell its maximum came from; ONNX counts cells through the whole tensor. */
const maximumPoolGradient: KernelRule = (call) => {
  const { inputs, graph } = call;
  const window = poolOf(call, inputs.input.shape);
  const x = channelsFirst(graph, inputs.input);
  const [, cells] = graph.nodeMany(
    "MaxPool",
    [x],
    [{ shape: outputShape(window) }, { shape: outputShape(window), dtype: "int64" }],
    { attributes: poolAttributes(window) },
  );
  const count = sizeOf(outputShape(window));
  const zeros = graph.splat(0, [sizeOf(x.shape)], "float32");
  const dy = reshape(graph, channelsFirst(graph, inputs.dy), [count]);
  const dx = graph.node("ScatterElements", [zeros, reshape(graph, cells, [count]), dy], zeros.shape, {
    attributes: { axis: 0, reduction: "add" },
  });
  return channelsBack(graph, reshape(graph, dx, x.shape));
};

/** Convolutions, pools and batch normalization, channels last as tfjs has them. */
export const convolutionRules: KernelRules = {
  Conv2D: convolve,
  FusedConv2D: (call) => biasAndActivation(call, convolve(call)),
  Conv2DBackpropInput: convolutionInputGradient,
  Conv2DBackpropFilter: convolutionFilterGradient,
  DepthwiseConv2dNative: depthwise,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  MaxPool: pool("MaxPool"),
  MaxPoolGrad: maximumPoolGradient,
  AvgPool: pool("AveragePool"),
  AvgPoolGrad: averagePoolGradient,
  FusedBatchNorm: ({ inputs: { x, mean, variance, offset, scale }, attributes: { varianceEpsilon }, graph }) => {
    const deviation = graph.elementwise("Sqrt", [add(graph, variance, number(graph, varianceEpsilon, x))]);
    const normal = divide(graph, subtract(graph, x, mean), deviation);
    const scaled = scale ? multiply(graph, normal, scale) : normal;
    return offset ? add(graph, scaled, offset) : scaled;
  },
};
