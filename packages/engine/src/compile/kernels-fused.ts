import { fusedKernels } from "@kdc-mae/core";
import { add, multiply, number } from "./arithmetic.js";
import type { KernelRules } from "./kernel-rule.js";

/** The kernels of our own that the model asks for by name; see `fusedKernels` in core for their inputs and outputs. */
export const fusedRules: KernelRules = {
  [fusedKernels.layerNorm]: ({ inputs: { x, gain, bias }, attributes: { epsilon }, graph }) => {
    const row = [...x.shape.slice(0, -1), 1];
    return graph.nodeMany("LayerNormalization", [x, gain, bias], [{ shape: x.shape }, { shape: row }, { shape: row }], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
  },
  [fusedKernels.gelu]: ({ inputs: { x }, graph }) => graph.node("Gelu", [x], x.shape),
  /** d/dx [x Φ(x)] = Φ(x) + x φ(x), Φ and φ the normal distribution and density. */
  [fusedKernels.geluGradient]: ({ inputs: { x, dy }, graph }) => {
    const scaled = multiply(graph, x, number(graph, Math.SQRT1_2, x));
    const half = multiply(
      graph,
      add(graph, graph.elementwise("Erf", [scaled]), number(graph, 1, x)),
      number(graph, 0.5, x),
    );
    const exponent = multiply(graph, multiply(graph, x, x), number(graph, -0.5, x));
    const density = multiply(graph, graph.elementwise("Exp", [exponent]), number(graph, 1 / Math.sqrt(2 * Math.PI), x));
    return multiply(graph, dy, add(graph, half, multiply(graph, x, density)));
  },
};
