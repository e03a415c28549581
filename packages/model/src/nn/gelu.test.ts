import { fusedKernels } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { gelu } from "./gelu.js";

beforeAll(() => tf.setBackend("cpu"));

// torch 2.13, float64: torch.nn.functional.gelu and its gradient.
const x = [-6.5, -3.1, -1.7, -0.5, -0.01, 0, 0.3, 1.1, 2.3, 5];
const y = [
  -2.610399119085116e-10, -0.00299956996097695, -0.0757612866895232, -0.15426876936299344, -0.004960106436853684, 0,
  0.1853734266566858, 0.9507673329589791, 2.2753345469501456, 4.999998566742141,
];
const slope = [
  -1.6950518131483905e-9, -0.009159535861001376, -0.11531796878216474, 0.13250487534383712, 0.49202142034750757, 0.5,
  0.7323277668271099, 1.1039713337894228, 1.0544280767840069, 1.000007146946002,
];

const worst = (ours: tf.Tensor, reference: readonly number[]): number =>
  Math.max(...Array.from(ours.dataSync(), (value, i) => Math.abs(value - reference[i])));

describe("gelu", () => {
  it("is the exact one, not the tanh approximation", () => {
    expect(worst(gelu(tf.tensor1d(x)), y)).toBeLessThan(5e-7);
  });

  it("has the exact slope", () => {
    expect(worst(tf.grad(gelu)(tf.tensor1d(x)), slope)).toBeLessThan(5e-7);
  });

  it("asks the backend for fused kernels where it has them", () => {
    const seen: string[] = [];
    const kernel = (kernelName: string, value: (inputs: tf.NamedTensorInfoMap) => tf.TensorInfo) => ({
      kernelName,
      backendName: tf.getBackend(),
      kernelFunc: ({ inputs }: { inputs: tf.NamedTensorInfoMap }) => {
        seen.push(kernelName);
        return value(inputs);
      },
    });
    tf.registerKernel(kernel(fusedKernels.gelu, ({ x }) => tf.neg(x as tf.Tensor)) as tf.KernelConfig);
    tf.registerKernel(kernel(fusedKernels.geluGradient, ({ dy }) => tf.mul(dy as tf.Tensor, 7)) as tf.KernelConfig);
    try {
      const { value, grad } = tf.valueAndGrad(gelu)(tf.tensor1d([2, 3]));
      expect(Array.from(value.dataSync())).toEqual([-2, -3]);
      expect(Array.from(grad.dataSync())).toEqual([7, 7]);
      expect(seen).toEqual([fusedKernels.gelu, fusedKernels.geluGradient]);
    } finally {
      tf.unregisterKernel(fusedKernels.gelu, tf.getBackend());
      tf.unregisterKernel(fusedKernels.geluGradient, tf.getBackend());
    }
  });
});
