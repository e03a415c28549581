import type { FloatTensor } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, it } from "vitest";
import { expectParity } from "../parity.test.support.js";
import type { Execute } from "../run/runtime.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { randomFunction, randomInputs } from "./random-functions.test.support.js";

/** A random function, folded into one number. */
const randomLoss =
  (seed: number) =>
  (inputs: readonly tf.Tensor[]): tf.Scalar =>
    tf.addN(randomFunction(seed)(inputs).map((t, i) => tf.mean(tf.mul(t, i + 1)))) as tf.Scalar;

// TensorFlow adds in another order; where a gradient is what rounding leaves of zero, the two have nothing to agree on.
const cancelled = process.env.KDC_TEST_BACKEND === "tensorflow" ? [24] : [];
for (const seed of cancelled)
  console.info(`skipped on tfjs-node: random function ${seed}, a gradient of rounding alone`);

const runtime = await runtimeForTests();
const ways: readonly (readonly [string, Execute | undefined, number | undefined])[] = [
  ["ONNX Runtime", undefined, undefined],
  // The card's own exp, log and order of adding.
  ...(runtime === undefined ? [] : [["WebGPU", runtime.execute, 5e-5] as const]),
];

describe.each(ways)("random functions, compiled against eager, on %s", (_, execute, tolerance) => {
  for (let seed = 0; seed < 60; seed++) {
    it.skipIf(cancelled.includes(seed))(`values and gradients agree, seed ${seed}`, async () => {
      const withGradients = (given: readonly tf.Tensor[]) => {
        const { value, grads } = tf.engine().gradients(() => randomLoss(seed)(given), [...given], undefined, true);
        return { value, grads: grads.map((grad, i) => grad ?? tf.zerosLike(given[i])) };
      };
      await expectParity(withGradients, randomInputs(seed) as FloatTensor[], tolerance, execute);
    });
  }
});
