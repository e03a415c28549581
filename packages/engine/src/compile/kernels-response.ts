import { add, divide, multiply, number, subtract } from "./arithmetic.js";
import type { GraphBuilder, Value } from "./graph-builder.js";
import type { KernelCall, KernelRules } from "./kernel-rule.js";
import { matrixProduct } from "./kernels-matrix.js";

/** Sums over the channels (last axis) at most `radius` away, as a product with a band of ones [C, C]. */
const sumNearby = (graph: GraphBuilder, x: Value, radius: number): Value => {
  const channels = x.shape[x.shape.length - 1];
  const band = Array.from({ length: channels ** 2 }, (_, i) =>
    Math.abs((i % channels) - Math.floor(i / channels)) <= radius ? 1 : 0,
  );
  return matrixProduct(graph, x, graph.constant(band, [channels, channels], "float32"), false, false);
};

/** bias + α · Σ x² over the channels nearby. */
const responseOf = ({ attributes: { depthRadius, bias, alpha }, graph }: KernelCall, x: Value): Value => {
  const sums = sumNearby(graph, multiply(graph, x, x), depthRadius);
  return add(graph, multiply(graph, sums, number(graph, alpha, x)), number(graph, bias, x));
};

/** response^−β */
const damping = ({ attributes: { beta }, graph }: KernelCall, response: Value): Value =>
  graph.elementwise("Pow", [response, number(graph, -beta, response)]);

/**
 * Local response normalization (Krizhevsky et al. 2012, §3.3) of pictures [B, H, W, C] and its gradient,
 * dy · r^−β − 2αβ · x · Σ (dy · y / r) with the response r. Not ONNX's own LRN, which has no gradient and refuses α ≤ 0.
 */
export const responseRules: KernelRules = {
  LRN: (call) => multiply(call.graph, call.inputs.x, damping(call, responseOf(call, call.inputs.x))),
  LRNGrad: (call) => {
    const { inputs, attributes, graph } = call;
    const { x, y, dy } = inputs;
    const response = responseOf(call, x);
    const through = sumNearby(graph, divide(graph, multiply(graph, dy, y), response), attributes.depthRadius);
    const scale = number(graph, 2 * attributes.alpha * attributes.beta, x);
    return subtract(
      graph,
      multiply(graph, dy, damping(call, response)),
      multiply(graph, multiply(graph, x, through), scale),
    );
  },
};
