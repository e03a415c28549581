import { KdcError } from "@kdc-mae/core";
import { add } from "./arithmetic.js";
import { broadcastShapes, type GraphBuilder, misfit, type Value } from "./graph-builder.js";
import type { KernelCall, KernelRule, KernelRules } from "./kernel-rule.js";
import { transpose } from "./kernels-shape.js";
import { unaryRules } from "./kernels-unary.js";

/** The last two axes exchanged. */
const flip = (graph: GraphBuilder, x: Value): Value => {
  const axes = x.shape.map((_, axis) => axis);
  const last = axes.length - 1;
  return transpose(graph, x, [...axes.slice(0, -2), last, last - 1]);
};

/** a · b over the last two axes, either one taken transposed. */
export function matrixProduct(
  graph: GraphBuilder,
  a: Value,
  b: Value,
  transposeA: boolean,
  transposeB: boolean,
): Value {
  const rows = a.shape[a.shape.length - (transposeA ? 1 : 2)];
  const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
  const inner = [a.shape[a.shape.length - (transposeA ? 2 : 1)], b.shape[b.shape.length - (transposeB ? 1 : 2)]];
  if (inner[0] !== inner[1]) {
    const turned = [transposeA ? "the first transposed" : "", transposeB ? "the second transposed" : ""].filter(
      Boolean,
    );
    const how = turned.length > 0 ? `, ${turned.join(", ")}` : "";
    const remedy = `The axis that is summed over has ${inner[0]} and ${inner[1]} numbers${how}: transpose or reshape one of them`;
    throw misfit("the factors of a matrix product, of shapes", [a.shape, b.shape], remedy);
  }
  const batch = broadcastShapes([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const shape = [...batch, rows, columns];
  if (inner[0] === 0) return graph.splat(0, shape, a.dtype);
  if (!transposeA && !transposeB) return graph.node("MatMul", [a, b], shape);
  if (a.shape.length === 2 && b.shape.length === 2 && a.dtype === "float32") {
    return graph.node("Gemm", [a, b], shape, {
      attributes: { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
    });
  }
  return graph.node("MatMul", [transposeA ? flip(graph, a) : a, transposeB ? flip(graph, b) : b], shape);
}

const activations: Readonly<Record<string, string>> = {
  relu: "Relu",
  relu6: "Relu6",
  elu: "Elu",
  sigmoid: "Sigmoid",
  leakyrelu: "LeakyRelu",
  prelu: "Prelu",
};

/** Bias and activation as tfjs fuses them onto a product or a convolution. */
export function biasAndActivation(call: KernelCall, product: Value): Value {
  const { bias, preluActivationWeights } = call.inputs;
  const sum = bias ? add(call.graph, product, bias) : product;
  const activation = call.attributes.activation ?? "linear";
  if (activation === "linear") return sum;
  const rule = unaryRules[activations[activation] ?? ""];
  if (!rule) {
    throw new KdcError({
      where: `compile: ${call.kernel}`,
      what: `the fused activation ${activation} is not known`,
      remedy: `Use one of ${Object.keys(activations).join(", ")}, or apply it as its own operation`,
      reason: "kernel",
    });
  }
  const inputs = { x: sum, alpha: preluActivationWeights };
  return rule({ ...call, inputs, attributes: { alpha: call.attributes.leakyreluAlpha } }) as Value;
}

const fusedMatMul: KernelRule = (call) => {
  const { inputs, attributes, graph } = call;
  const product = matrixProduct(graph, inputs.a, inputs.b, attributes.transposeA, attributes.transposeB);
  return biasAndActivation(call, product);
};

/** Matrix products and Einstein sums. */
export const matrixRules: KernelRules = {
  BatchMatMul: ({ inputs: { a, b }, attributes: { transposeA, transposeB }, graph }) =>
    matrixProduct(graph, a, b, transposeA, transposeB),
  _FusedMatMul: fusedMatMul,
  Einsum: ({ list, attributes: { equation }, graph }) => {
    const [inputs, output] = (equation as string).replaceAll(" ", "").split("->");
    const sizes = new Map<string, number>();
    for (const [index, letters] of inputs.split(",").entries()) {
      for (const [axis, letter] of [...letters].entries()) sizes.set(letter, list[index].shape[axis]);
    }
    return graph.node(
      "Einsum",
      list,
      [...output].map((letter) => sizes.get(letter)!),
      { attributes: { equation } },
    );
  },
};
