import { createRng, fusedKernels } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";

const run = (kernel: string, inputs: Record<string, tf.Tensor>, attributes = {}): unknown =>
  tf.engine().runKernel(kernel, inputs, attributes);

const runtime = await runtimeForTests();
const everywhere = [compiled({ threads: 1 }), ...(runtime === undefined ? [] : [runtime.execute])];

describe("kernels of our own equal the operations they stand for", () => {
  const rng = createRng(8);
  const inputs = {
    x: uniform(rng, [2, 5, 7], 4),
    dy: uniform(rng, [2, 5, 7]),
    gain: uniform(rng, [7]),
    bias: uniform(rng, [7]),
  };
  type Inputs = { [Name in keyof typeof inputs]: tf.Tensor };

  const expectSame = async (fused: (inputs: Inputs) => unknown, plain: (inputs: Inputs) => unknown) => {
    const wanted = await (await eager("cpu"))(plain as (inputs: Inputs) => Inputs, inputs);
    for (const execute of everywhere) {
      const program = await execute(fused as (inputs: Inputs) => Inputs, inputs);
      expectClose(await program.run(inputs), await wanted.run(inputs));
      await program.dispose();
    }
  };

  it("gelu and its gradient", () =>
    expectSame(
      ({ x, dy }) => ({ y: run(fusedKernels.gelu, { x }), dx: run(fusedKernels.geluGradient, { x, dy }) }),
      ({ x, dy }) => {
        const gelu = (t: tf.Tensor) => tf.mul(t, tf.mul(0.5, tf.add(1, tf.erf(tf.mul(t, Math.SQRT1_2)))));
        return { y: gelu(x), dx: tf.grad(gelu)(x, dy) };
      },
    ));

  it("layerNorm, its mean and inverse deviation", () =>
    expectSame(
      ({ x, gain, bias }) => run(fusedKernels.layerNorm, { x, gain, bias }, { epsilon: 1e-5 }),
      ({ x, gain, bias }) => {
        const { mean, variance } = tf.moments(x, -1, true);
        const inverse = tf.rsqrt(tf.add(variance, 1e-5));
        return [tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), gain), bias), mean, inverse];
      },
    ));

  it("layerNorm's gradient", () =>
    expectSame(
      ({ x, gain, bias, dy }) => {
        const made = run(fusedKernels.layerNorm, { x, gain, bias }, { epsilon: 1e-5 }) as tf.Tensor[];
        const [, mean, inverseDeviation] = made;
        return run(fusedKernels.layerNormGradient, { x, gain, mean, inverseDeviation, dy });
      },
      ({ x, gain, bias, dy }) => {
        const norm = (x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) => {
          const { mean, variance } = tf.moments(x, -1, true);
          return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gain), bias);
        };
        return tf.grads(norm)([x, gain, bias], dy);
      },
    ));
});
