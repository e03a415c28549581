import * as tf from "@tensorflow/tfjs-core";
import { add, divide, multiply, number, reshape, subtract } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelCall, KernelRule, KernelRules } from "./kernel-rule.js";
import { biasAndActivation } from "./kernels-matrix.js";
import { transpose } from "./kernels-shape.js";
import {
  channelsBack,
  channelsFirst,
  dilations,
  fitting,
  kernel,
  outputShape,
  pads,
  type Shape4,
  strides,
  transposedConvolution,
  type Window,
} from "./window.js";

/** How tfjs itself reads strides, padding and sizes from the attributes of a convolution. */
const windowOf = (
  { attributes, kernel: name }: KernelCall,
  inputShape: readonly number[],
  filterShape: readonly number[],
  depthwise = false,
): Window =>
  fitting(
    tf.backend_util.computeConv2DInfo(
      [...inputShape] as Shape4,
      [...filterShape] as Shape4,
      attributes.strides,
      attributes.dilations ?? 1,
      attributes.pad,
      attributes.dimRoundingMode,
      depthwise,
      tf.backend_util.convertConv2DDataFormat(attributes.dataFormat ?? "NHWC"),
    ),
    `compile: ${name}`,
  );

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

/**
 * The filter's gradient is a convolution of x by dy, strides and dilations exchanged: channels of x [C, B, H, W] and
 * channels of dy [O, B, h, w] give [C, O, kh, kw], or, with C groups, [1, O, kh, kw] from x as [1, C · B, H, W].
 */
const filterGradient = (graph: GraphBuilder, x: Value, dy: Value, window: Window, group: number): Value => {
  const [top, left, bottom, right] = pads(window);
  const padded = [window.inHeight + top + bottom, window.inWidth + left + right];
  const out = [window.outHeight, window.outWidth];
  const sizes = padded.map((size, i) =>
    Math.floor((size - (out[i] - 1) * strides(window)[i] - 1) / dilations(window)[i] + 1),
  );
  const lead = [x.shape[0], window.outChannels];
  const all = graph.node("Conv", [x, dy], [...lead, ...sizes], {
    attributes: { pads: pads(window), strides: dilations(window), dilations: strides(window), group },
  });
  return graph.node(
    "Slice",
    [all, graph.int64s([0, 0]), graph.int64s(kernel(window)), graph.int64s([2, 3])],
    [...lead, ...kernel(window)],
  );
};

const convolutionFilterGradient: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, inputs.x.shape, attributes.filterShape);
  const channelsLead = (x: Value) =>
    transpose(graph, x, attributes.dataFormat === "NCHW" ? [1, 0, 2, 3] : [3, 0, 1, 2]);
  const gradient = filterGradient(graph, channelsLead(inputs.x), channelsLead(inputs.dy), window, 1);
  return transpose(graph, gradient, [2, 3, 0, 1]);
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

/** Each channel of x [C, B, H, W] is a group of its own; tfjs gives pictures to this kernel channels last only. */
const depthwiseFilterGradient: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const window = windowOf(call, inputs.x.shape, attributes.filterShape, true);
  const { inChannels, outChannels, batchSize, inHeight, inWidth } = window;
  const x = reshape(graph, transpose(graph, inputs.x, [3, 0, 1, 2]), [1, inChannels * batchSize, inHeight, inWidth]);
  const gradient = filterGradient(graph, x, transpose(graph, inputs.dy, [3, 0, 1, 2]), window, inChannels);
  const [height, width] = kernel(window);
  const byChannel = reshape(graph, gradient, [inChannels, outChannels / inChannels, height, width]);
  return transpose(graph, byChannel, [2, 3, 0, 1]);
};

/** Convolutions and batch normalization, channels last as tfjs has them. */
export const convolutionRules: KernelRules = {
  Conv2D: convolve,
  FusedConv2D: (call) => biasAndActivation(call, convolve(call)),
  Conv2DBackpropInput: convolutionInputGradient,
  Conv2DBackpropFilter: convolutionFilterGradient,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: (call) => biasAndActivation(call, depthwise(call) as Value),
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  FusedBatchNorm: ({ inputs: { x, mean, variance, offset, scale }, attributes: { varianceEpsilon }, graph }) => {
    const deviation = graph.elementwise("Sqrt", [add(graph, variance, number(graph, varianceEpsilon, x))]);
    const normal = divide(graph, subtract(graph, x, mean), deviation);
    const scaled = scale ? multiply(graph, normal, scale) : normal;
    return offset ? add(graph, scaled, offset) : scaled;
  },
};
