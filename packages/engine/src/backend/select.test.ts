import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it, vi } from "vitest";
import { selectBackend, surveyBackends } from "./select.js";

// Names of backends mean nothing while the whole suite runs on another one (docs/engine.md).
const redirected = process.env.KDC_TEST_BACKEND;
if (redirected) console.info(`skipped: every backend is ${redirected} in this run`);

describe.skipIf(redirected)("backends", () => {
  it("are surveyed with a reason and a remedy each, and the current one stays", async () => {
    await selectBackend("cpu");
    const reports = await surveyBackends();
    expect(reports.map(({ name }) => name)).toEqual(["tensorflow", "wasm", "cpu"]);
    for (const { reason, remedy } of reports) {
      expect(reason.length).toBeGreaterThan(10);
      expect(remedy.length).toBeGreaterThan(10);
    }
    expect(reports.find(({ name }) => name === "cpu")?.usable).toBe(true);
    expect(tf.getBackend()).toBe("cpu");
  });

  it("are selected, or refused with the reason, never replaced by another", async () => {
    for (const { name, usable, reason, remedy } of await surveyBackends()) {
      if (usable) {
        await selectBackend(name);
        expect(tf.getBackend()).toBe(name);
        expect([...tf.tidy(() => tf.add([1, 2], 3).dataSync())]).toEqual([4, 5]);
        continue;
      }
      await selectBackend("cpu");
      await expect(selectBackend(name)).rejects.toThrow(
        `selectBackend: the tfjs backend ${name} cannot be used: ${reason}. ${remedy}`,
      );
      expect(tf.getBackend()).toBe("cpu");
    }
    await selectBackend("cpu");
  });

  it("pick by a one-hot matrix of float32 alike, though tfjs's wasm kernel writes whole numbers", async () => {
    const usable = (await surveyBackends()).filter((one) => one.usable).map(({ name }) => name);
    expect(usable).toContain("wasm");
    const indices = [2, -1, 0, 3];
    for (const name of usable) {
      await selectBackend(name);
      const made = tf.tidy(() => [
        tf.oneHot(tf.tensor1d(indices, "int32"), 3, 1, 0, "float32").dataSync(),
        tf.oneHot(tf.tensor1d(indices, "int32"), 3, 0.5, -2, "float32").dataSync(),
        tf.oneHot(tf.tensor1d(indices, "int32"), 3).dataSync(),
        tf.oneHot(tf.tensor1d(indices, "int32"), 3, 1, 0, "bool").dataSync(),
      ]);
      const ones = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0];
      expect([name, ...made.map((values) => [...values])]).toEqual([
        name,
        ones,
        ones.map((one) => one * 2.5 - 2),
        ones,
        ones,
      ]);
    }
    await selectBackend("cpu");
  });

  it("are right on wasm or refuse, where tfjs's kernels give wrong values", async () => {
    await selectBackend("wasm");
    const numbers = tf.tensor1d([-2.5, 0, 0.4, 256]);
    expect([...tf.cast(numbers, "int32").dataSync()]).toEqual([-2, 0, 0, 256]);
    const isFirst = tf.tensor1d([1, 0], "bool");
    expect([...tf.where(isFirst, tf.tensor1d([1, 2]), tf.tensor1d([3, 4])).dataSync()]).toEqual([1, 4]);
    const table = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const at = tf.tensor2d([1, 0], [2, 1], "int32");
    expect([...tf.gather(table, tf.tensor1d([1], "int32")).dataSync()]).toEqual([3, 4]);
    const pooled = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid");
    const whole = tf.tensor1d([-5, 9], "int32");
    expect([...tf.clipByValue(numbers, -1, 1).dataSync()].map(Math.fround)).toEqual([-1, 0, Math.fround(0.4), 1]);
    expect(tf.matMul(tf.ones([1, 2, 3]), tf.ones([5, 3, 2])).shape).toEqual([5, 2, 2]);
    const refused: readonly [kernel: string, () => unknown][] = [
      ["Cast", () => tf.cast(numbers, "bool")],
      ["Select", () => tf.where(isFirst, isFirst, tf.logicalNot(isFirst))],
      ["GatherV2", () => tf.gather(table, at, 1, 1)],
      ["DenseBincount", () => tf.denseBincount(tf.tensor1d([1, 1], "int32"), tf.tensor1d([]), 2, true)],
      ["ClipByValue", () => tf.clipByValue(whole, -2, 3)],
      ["IsNan", () => tf.isNaN(whole)],
      ["Prod", () => tf.prod(tf.tensor1d([]))],
      ["StridedSlice", () => tf.stridedSlice(numbers, [-1], [0], [-1], 0, 1)],
      ["BatchMatMul", () => tf.matMul(tf.ones([2, 1, 3, 2]), tf.ones([3, 2, 4]))],
      [
        "MaxPoolGrad",
        () =>
          tf
            .grad(pooled)(tf.tensor4d([-1, -2, -3, -4], [1, 2, 2, 1]))
            .dataSync(),
      ],
    ];
    for (const [kernel, run] of refused) {
      expect(run).toThrow(
        `tfjs's wasm backend, kernel ${kernel}: it computes this case wrongly and does not say so. Use the compiled engine`,
      );
    }
    await selectBackend("cpu");
  });

  it("do not greet on the console", async () => {
    const warn = vi.spyOn(console, "warn");
    await selectBackend("cpu");
    tf.scalar(1).dispose();
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});
