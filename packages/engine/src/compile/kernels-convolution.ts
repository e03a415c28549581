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

/** Convolutions and batch normalization, channels last as tfjs has them. */
export const convolutionRules: KernelRules = {
  Conv2D: convolve,
  FusedConv2D: (call) => biasAndActivation(call, convolve(call)),
  Conv2DBackpropInput: convolutionInputGradient,
  Conv2DBackpropFilter: convolutionFilterGradient,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: (call) => biasAndActivation(call, depthwise(call) as Value),
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  FusedBatchNorm: ({ inputs: { x, mean, variance, offset, scale }, attributes: { varianceEpsilon }, graph }) => {
    const deviation = graph.elementwise("Sqrt", [add(graph, variance, number(graph, varianceEpsilon, x))]);
    const normal = divide(graph, subtract(graph, x, mean), deviation);
    const scaled = scale ? multiply(graph, normal, scale) : normal;
    return offset ? add(graph, scaled, offset) : scaled;
  },
};
