import { fusedKernels } from "@kdc-mae/core";
import { add, multiply, number, reshape, subtract } from "./arithmetic.js";
import type { Value } from "./graph-builder.js";
import type { KernelRules } from "./kernel-rule.js";
import { reductionRules } from "./kernels-reduction.js";

/** The kernels of our own that the model asks for by name; see `fusedKernels` in core for their inputs and outputs. */
export const fusedRules: KernelRules = {
  [fusedKernels.layerNorm]: ({ inputs: { x, gain, bias }, attributes: { epsilon }, graph }) => {
    const row = [...x.shape.slice(0, -1), 1];
    return graph.nodeMany("LayerNormalization", [x, gain, bias], [{ shape: x.shape }, { shape: row }, { shape: row }], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
  },
  [fusedKernels.layerNormGradient]: (call) => {
    const { x, gain, mean, inverseDeviation, dy } = call.inputs;
    const { graph } = call;
    const rows = Array.from({ length: x.shape.length - 1 }, (_, axis) => axis);
    const reduced = (value: Value, axis: readonly number[], keepDims: boolean, kernel: "Sum" | "Mean"): Value =>
      reductionRules[kernel]({ ...call, inputs: { x: value }, attributes: { axis, keepDims } }) as Value;
    const average = (value: Value): Value => reduced(value, [-1], true, "Mean");
    const unit = multiply(graph, subtract(graph, x, mean), inverseDeviation);
    const scaled = multiply(graph, dy, gain);
    const alongUnit = multiply(graph, unit, average(multiply(graph, scaled, unit)));
    const centered = subtract(graph, subtract(graph, scaled, average(scaled)), alongUnit);
    const dx = multiply(graph, inverseDeviation, centered);
    return [dx, reduced(multiply(graph, dy, unit), rows, false, "Sum"), reduced(dy, rows, false, "Sum")];
  },
  // Either way it is x; which way is asked of the others, so that nothing behind it can be made before them.
  [fusedKernels.onceMore]: ({ inputs: { x, ...others }, graph }) => {
    const ones = x.shape.map(() => 1);
    const asked = Object.values(others).map((value) => {
      const [from, to] = [value.shape.map(() => 0), value.shape.map(() => 1)];
      return reshape(graph, graph.node("Slice", [value, graph.int64s(from), graph.int64s(to)], to), ones);
    });
    if (asked.length === 0) return x;
    const sum = asked.reduce((all, one) => add(graph, all, one));
    const positive = graph.elementwise("Greater", [sum, number(graph, 0, sum)], { dtype: "bool" });
    return graph.elementwise("Where", [positive, x, x], { dtype: x.dtype });
  },
  [fusedKernels.gelu]: ({ inputs: { x }, graph }) => graph.node("Gelu", [x], x.shape),
  /**
   * d/dx [x Φ(x)] = Φ(x) + x φ(x), Φ and φ the normal distribution and density, in few passes over memory:
   * Φ = ½ + ½ erf t with t = x / √2 is a line that HardSigmoid computes at once, and φ = exp(−t² − ln √(2π)).
   */
  [fusedKernels.geluGradient]: ({ inputs: { x, dy }, graph }) => {
    const t = multiply(graph, x, number(graph, Math.SQRT1_2, x));
    const distribution = graph.elementwise("HardSigmoid", [graph.elementwise("Erf", [t])], {
      attributes: { alpha: { float: 0.5 }, beta: { float: 0.5 } },
    });
    const exponent = subtract(graph, number(graph, -0.5 * Math.log(2 * Math.PI), x), multiply(graph, t, t));
    const density = graph.elementwise("Exp", [exponent]);
    return multiply(graph, dy, add(graph, distribution, multiply(graph, x, density)));
  },
};
