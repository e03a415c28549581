import { createRng, float32, type LossReport } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import type { Execute } from "../run/runtime.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { adam } from "./adam.js";
import { createCachedStep } from "./cached-step.js";
import { createTrainStep } from "./train-step.js";

type Params = { w: tf.Tensor2D };
type Batch = { x: tf.Tensor2D; size: tf.Scalar };

/** Gradients as large as `size` says: at the scale a training begins with they overflow half precision, or do not. */
const loss = ({ w }: Params, { x, size }: Batch): LossReport => {
  const fit = tf.mul(tf.mean(tf.square(tf.matMul(tf.matMul(x, w), w))), size) as tf.Scalar;
  return { total: fit, terms: { fit } };
};
const batchOf = (size: number) => ({ x: uniform(createRng(2), [19, 23]), size: float32([], Float32Array.of(size)) });
const start = () => ({ w: uniform(createRng(1), [23, 23]) });

const runtime = await runtimeForTests({ precision: "mixed" });
const ways: readonly (readonly [string, Execute])[] = [
  ["emulated on the processor", compiled({ threads: 1, precision: "mixed" })],
  ...(runtime === undefined ? [] : [["on a WebGPU device", runtime.execute] as const]),
];

describe.each(ways)("mixed precision, %s", (_, execute) => {
  it("halves the loss scale where gradients overflow and takes the step all the same, close to float32", async () => {
    const train = createTrainStep(execute, loss, adam());
    const plain = createTrainStep(compiled({ threads: 1 }), loss, adam());
    const [state, other] = [train.init(start()), plain.init(start())];
    for (const batches of [[batchOf(1e4)], [batchOf(1e4)], [batchOf(9e3), batchOf(8e3)]]) {
      const report = await train.accumulate(state, batches, 1e-3);
      const wanted = await plain.accumulate(other, batches, 1e-3);
      expect(wanted.lossScale).toBeUndefined();
      expect(report.lossScale!.value).toBeLessThan(2 ** 16);
      expect(report.lossScale!.halved > 0).toBe(report.step === 1);
      expect(report.total / wanted.total).toBeCloseTo(1, 2);
      expect(report.gradientNorm / wanted.gradientNorm).toBeCloseTo(1, 2);
      // Rounded they are.
      expect(report.total).not.toBe(wanted.total);
      expect(report.terms.fit).toBe(report.total);
    }
    expect([state.step, state.optimizer.updates]).toEqual([3, 3]);
    await train.dispose();
    await plain.dispose();
  });

  it("is what it was after gradients that are not finite at any scale, and nothing else was changed", async () => {
    // The root of a sum of zeros: a finite loss whose gradient is not.
    const broken = ({ w }: Params, { x, size }: Batch): LossReport => {
      const fit = tf.sqrt(tf.sum(tf.square(tf.mul(tf.matMul(x, w), size)))) as tf.Scalar;
      return { total: fit, terms: { fit } };
    };
    const train = createTrainStep(execute, broken, adam());
    const state = train.init(start());
    const good = await train.step(state, batchOf(1), 1e-3);
    const before = { ...train.lossScale! };
    expect(before).toEqual({ value: good.lossScale!.value, good: 1 });
    await expect(train.step(state, batchOf(0), 1e-3)).rejects.toThrow("the gradient norm is NaN");
    expect(train.lossScale).toEqual(before);
    const after = await train.step(state, batchOf(1), 1e-3);
    expect(after).toMatchObject({ step: 2, lossScale: { value: before.value, halved: 0 } });
    await train.dispose();
  });

  it("does the same for batches that count as one", async () => {
    const part = ({ w }: Params, { x }: Batch) => ({ made: tf.matMul(tf.matMul(x, w), w) });
    const whole = (_: Params, { made }: { made: tf.Tensor }): LossReport => {
      const fit = tf.mean(tf.square(made)) as tf.Scalar;
      return { total: fit, terms: { fit } };
    };
    const train = createCachedStep(execute, { part, whole }, adam());
    const plain = createCachedStep(eager("cpu"), { part, whole }, adam());
    const report = await train.accumulate(train.init(start()), [batchOf(1), batchOf(1)], 1e-3);
    const wanted = await plain.accumulate(plain.init(start()), [batchOf(1), batchOf(1)], 1e-3);
    expect(report.gradientNorm / wanted.gradientNorm).toBeCloseTo(1, 2);
    expect(report.lossScale!.value).toBeGreaterThanOrEqual(1);
    await train.dispose();
    await plain.dispose();
  });
});
