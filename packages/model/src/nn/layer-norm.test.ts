import { createRng, fusedKernels } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { layerNorm } from "./layer-norm.js";

beforeAll(() => tf.setBackend("cpu"));

const rng = createRng("layer norm");
const random = (shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => 2 * rng.normal() + 1),
    shape,
  );
const x = random([2, 3, 7]);
const gain = random([7]);
const bias = random([7]);
const weights = random([2, 3, 7]);
const epsilon = 0.03;

/** The definition, left to automatic differentiation. */
const plain = (x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) => {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon))), gain), bias);
};
const ours = (x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) => layerNorm({ gain, bias }, x, epsilon);

const farthest = (a: tf.Tensor, b: tf.Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];
};

describe("layerNorm", () => {
  it("follows the definition", () => {
    expect(farthest(ours(x, gain, bias), plain(x, gain, bias))).toBeLessThan(2e-6);
  });

  it("has the gradients of the definition", () => {
    const through = (f: typeof ours) =>
      tf.grads((x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) => tf.sum(tf.mul(f(x, gain, bias), weights)))([
        x,
        gain,
        bias,
      ]);
    const expected = through(plain);
    for (const [i, gradient] of through(ours).entries()) expect(farthest(gradient, expected[i])).toBeLessThan(5e-6);
  });

  it("asks the backend for a fused kernel where it has one", () => {
    const asked: unknown[] = [];
    tf.registerKernel({
      kernelName: fusedKernels.layerNorm,
      backendName: tf.getBackend(),
      kernelFunc: ({ inputs, attrs }) => {
        asked.push(Object.keys(inputs), attrs);
        const { mean, variance } = tf.moments(inputs.x as tf.Tensor, -1, true);
        return [plain(x, gain, bias), mean, tf.rsqrt(tf.add(variance, epsilon))];
      },
    });
    try {
      expect(farthest(ours(x, gain, bias), plain(x, gain, bias))).toBe(0);
      expect(asked).toEqual([["x", "gain", "bias"], { epsilon }]);
    } finally {
      tf.unregisterKernel(fusedKernels.layerNorm, tf.getBackend());
    }
  });
});
