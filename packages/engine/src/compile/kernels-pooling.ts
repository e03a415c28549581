import { sizeOf } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { divide, reshape } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelCall, KernelRule, KernelRules } from "./kernel-rule.js";
import {
  channelsBack,
  channelsFirst,
  covered,
  fitting,
  kernel,
  outputShape,
  pads,
  type Shape4,
  strides,
  transposedConvolution,
  type Window,
} from "./window.js";

const poolOf = ({ attributes, kernel: name }: KernelCall, inputShape: readonly number[]): Window =>
  fitting(
    tf.backend_util.computePool2DInfo(
      [...inputShape] as Shape4,
      attributes.filterSize,
      attributes.strides,
      1,
      attributes.pad,
      attributes.dimRoundingMode,
    ),
    `compile: ${name}`,
  );

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
const coverage = (graph: GraphBuilder, window: Window): Value =>
  graph.constant(covered(window), [1, 1, window.outHeight, window.outWidth], "float32");

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

/** Pools and their gradients, channels last as tfjs has them. */
export const poolingRules: KernelRules = {
  MaxPool: pool("MaxPool"),
  MaxPoolGrad: maximumPoolGradient,
  AvgPool: pool("AveragePool"),
  AvgPoolGrad: averagePoolGradient,
};
