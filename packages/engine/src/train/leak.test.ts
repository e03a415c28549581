import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRng, type LossReport } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import type { Execute } from "../run/runtime.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { adam } from "./adam.js";
import { createTrainStep } from "./train-step.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/**
 * Bytes of the nursery, in which V8 lays new objects one page after the other, whether or not it keeps them: it fills
 * up to tens of megabytes in the first thousands of steps.
 */
const nursery = () => getHeapSpaceStatistics().find((space) => space.space_name === "new_space")!.physical_space_size;

const loss = ({ w }: { w: tf.Tensor2D }, { x }: { x: tf.Tensor2D }): LossReport => {
  const fit = tf.mean(tf.square(tf.sub(tf.matMul(tf.tanh(tf.matMul(x, w)), w, false, true), x))) as tf.Scalar;
  return { total: fit, terms: { fit } };
};

const runtime = await runtimeForTests();
const ways: readonly (readonly [string, Execute])[] = [
  ["compiled", compiled({ threads: 1 })],
  ["eager", eager("cpu")],
  ...(runtime === undefined ? [] : [["WebGPU", runtime.execute] as const]),
];
const onCard = () => runtime?.allocated() ?? { buffers: 0, bytes: 0 };

/**
 * Steps in all; the first 100 are not counted. KDC_LEAK_STEPS=1000 for a longer look, which also holds resident memory
 * to 5 %; a short one only prints it, for what a test runner loads meanwhile is of that size.
 */
const longer = process.env.KDC_LEAK_STEPS;
const steps = Number(longer ?? 400);

describe.each(ways)(`${steps} tiny steps, %s`, (name, execute) => {
  it("leave tensors, heap and arrays as they were", {
    timeout: longer === undefined ? 600_000 : 7_200_000,
  }, async () => {
    const rng = createRng(1);
    const train = createTrainStep(execute, loss, adam());
    const state = train.init({ w: uniform(rng, [61, 31], 0.1) });
    const batch = { x: uniform(rng, [13, 61]) };
    const run = async (count: number) => {
      for (let i = 0; i < count; i++) await train.step(state, batch, 1e-3);
      // Finalizers of external arrays run in a later turn.
      for (let i = 0; i < 3; i++) {
        collectGarbage();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const { arrayBuffers, heapUsed, rss } = process.memoryUsage();
      return { tensors: tf.memory().numTensors, onCard: onCard(), arrayBuffers, heapUsed, rss, kept: rss - nursery() };
    };
    const before = await run(100);
    const after = await run(steps - 100);
    expect(after.tensors).toBe(before.tensors);
    expect(after.onCard).toEqual(before.onCard);
    // One gradient leaked in each of 300 steps would be 300 · 61 · 31 · 4 bytes = 2.3 MB.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1e5);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1e6);
    if (longer !== undefined) expect(after.kept / before.kept).toBeLessThan(1.05);
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    console.info(
      `${name}: resident ${megabytes(before.rss)} MB after 100 steps, ${megabytes(after.rss)} MB after ${steps}, ` +
        `without V8's nursery ${megabytes(before.kept)} and ${megabytes(after.kept)} MB; ` +
        `tensors ${before.tensors} and ${after.tensors}`,
    );
    await train.dispose();
  });
});
