import type { GraphConstant, GraphNode } from "../compile/graph.js";
import type { Trace } from "../compile/trace.js";

/**
 * Weights run from −64 to 64. Processors without VNNI multiply unsigned by signed bytes in pairs and add each pair in 16
 * bits, where what is too large becomes the largest, silently (`vpmaddubsw`): two activations of 255 at weights of 127
 * are 64770, and 32767 is written. 64 is the largest weight whose worst pair still fits: 2 · 255 · 64 = 32640.
 */
export const largestWeight = 64;

/** A weight [K, N] in 8 bits, of which seven and a sign are used, with one scale for each of its N columns. */
type Quantized = { readonly values: Int8Array; readonly scales: Float32Array };

/** W [K, N] of `data`, which holds it as [N, K] where it is `transposed`. */
const quantize = (data: Float32Array, K: number, N: number, transposed: boolean): Quantized => {
  const [down, across] = transposed ? [1, K] : [N, 1];
  const scales = new Float32Array(N);
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) scales[n] = Math.max(scales[n], Math.abs(data[k * down + n * across]));
  }
  for (let n = 0; n < N; n++) scales[n] = scales[n] / largestWeight || 1;
  const values = new Int8Array(K * N);
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) values[k * N + n] = Math.round(data[k * down + n * across] / scales[n]);
  }
  return { values, scales };
};

/** The weight of a product x · W with constant two-dimensional W, if the node is one: where W stands and whether transposed. */
const productWeight = (
  node: GraphNode,
  constants: ReadonlyMap<string, GraphConstant>,
): { readonly weight: GraphConstant; readonly transposed: boolean } | undefined => {
  const weight = constants.get(node.inputs[1]);
  if (weight?.shape.length !== 2 || weight.dtype !== "float32") return undefined;
  if (node.op === "MatMul") return { weight, transposed: false };
  return node.op === "Gemm" && node.attributes.transA !== 1
    ? { weight, transposed: node.attributes.transB === 1 }
    : undefined;
};

/**
 * Stores the weights of matrix products in 8 bits and has the products done in 8 bits: each weight column has its own
 * scale, activations are scaled as they come (ONNX Runtime's `DynamicQuantizeMatMul`). A quarter of the file, and faster
 * on a processor; outputs differ in the third digit or so, so compare before using. Weights use `largestWeight`
 * of the 127 steps, so that the same file gives the same numbers on every processor.
 *
 * @param least weights of fewer numbers stay as they are; 16384 unless given
 * @param stays weights that stay as they are, by their path in the inputs they were bound from
 */
export function weightsInt8<I, O>(
  trace: Trace<I, O>,
  least = 16384,
  stays: (path: string) => boolean = () => false,
): Trace<I, O> {
  const { graph } = trace;
  const byName = new Map(graph.constants.map((constant) => [constant.name, constant]));
  const made = new Map<string, GraphConstant>();
  const nodes = graph.nodes.map((node): GraphNode => {
    const found = productWeight(node, byName);
    if (!found || found.weight.data.length < least || stays(found.weight.name)) return node;
    const { weight, transposed } = found;
    const [K, N] = transposed ? [weight.shape[1], weight.shape[0]] : weight.shape;
    const names = [`${weight.name}.int8${transposed ? "" : ".t"}`, `${weight.name}.scale${transposed ? "" : ".t"}`];
    if (!made.has(names[0])) {
      const { values, scales } = quantize(weight.data as Float32Array, K, N, transposed);
      made.set(names[0], { name: names[0], dtype: "int8", shape: [K, N], data: values });
      made.set(names[1], { name: names[1], dtype: "float32", shape: [N], data: scales });
    }
    return {
      op: "DynamicQuantizeMatMul",
      domain: "com.microsoft",
      // The fourth input, weights' zero points, is left out: they are symmetric.
      inputs:
        node.inputs[2] === undefined ? [node.inputs[0], ...names] : [node.inputs[0], ...names, "", node.inputs[2]],
      outputs: node.outputs,
      attributes: {},
    };
  });
  const needed = new Set(nodes.flatMap((node) => node.inputs));
  const constants = [...graph.constants, ...made.values()].filter(({ name }) => needed.has(name));
  return { ...trace, graph: { ...graph, nodes, constants } };
}
