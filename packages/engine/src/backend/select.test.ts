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

  it("are right on wasm where tfjs's kernels give wrong values", async () => {
    await selectBackend("wasm");
    const warn = vi.spyOn(console, "warn");
    const [numbers, whole] = [tf.tensor1d([-2.5, 0, 0.4, 256]), tf.tensor1d([-5, 9, 16777217], "int32")];
    const isFirst = tf.tensor1d([1, 0], "bool");
    const [table, at] = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 0], [2, 1], "int32")];
    const picture = tf.tensor4d([-1, -2, -3, -4], [1, 2, 2, 1]);
    const pooled = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid");
    const rights: readonly [string, () => tf.Tensor, readonly (number | boolean)[]][] = [
      ["Cast", () => tf.cast(numbers, "bool"), [1, 0, 1, 1]],
      ["Cast to int32", () => tf.cast(numbers, "int32"), [-2, 0, 0, 256]],
      ["Select", () => tf.where(isFirst, isFirst, tf.logicalNot(isFirst)), [1, 1]],
      ["Select of two types", () => tf.where(isFirst, tf.tensor1d([0.5, 1]), tf.tensor1d([3, 4], "int32")), [0.5, 4]],
      ["GatherV2", () => tf.gather(table, at, 1, 1), [2, 3]],
      ["ClipByValue", () => tf.clipByValue(whole, -2, 3), [-2, 3, 3]],
      ["IsNan", () => tf.isNaN(whole), [0, 0, 0]],
      ["Neg", () => tf.neg(whole), [5, -9, -16777217]],
      ["FloorDiv", () => tf.div(tf.tensor1d([2147483647], "int32"), tf.scalar(3, "int32")), [715827882]],
      ["Sign", () => tf.sign(tf.tensor1d([1e-30, -1e-30, 0])), [1, -1, 0]],
      ["Log1p", () => tf.log1p(tf.tensor1d([1e-10])), [Math.fround(1e-10)]],
      ["PadV2", () => tf.pad(tf.tensor1d([1]), [[1, 0]], -Infinity), [-Infinity, 1]],
      ["Prod", () => tf.prod(tf.tensor1d([])), [1]],
      ["Any", () => tf.any(tf.tensor1d([], "bool")), [0]],
      ["BatchMatMul", () => tf.matMul(tf.ones([1, 0]), tf.ones([0, 2])), [0, 0]],
      ["StridedSlice", () => tf.stridedSlice(whole, [-1], [0], [-1], 0, 1), [16777217, 9, -5]],
      ["StridedSlice of whole numbers", () => tf.stridedSlice(whole, [0], [3], [2]), [-5, 16777217]],
      ["Cumsum", () => tf.cumsum(table, -2), [1, 2, 4, 6]],
      ["Conv2D", () => tf.conv2d(picture, tf.ones([1, 1, 1, 1]) as tf.Tensor4D, 2, "same"), [-1]],
      [
        "Conv2D, stride beyond the window",
        () => tf.conv2d(tf.ones([1, 1, 7, 1]) as tf.Tensor4D, tf.ones([1, 2, 1, 1]) as tf.Tensor4D, [1, 3], "same"),
        [2, 2, 1],
      ],
      [
        "DenseBincount",
        () => tf.denseBincount(tf.tensor2d([1, 1], [1, 2], "int32"), tf.tensor2d([], [0, 0]), 3, true),
        [0, 1, 0],
      ],
      ["MaxPoolGrad", () => tf.grad(pooled)(picture), [1, 0, 0, 0]],
    ];
    for (const [name, compute, values] of rights) expect([name, ...compute().dataSync()]).toEqual([name, ...values]);
    expect(tf.stridedSlice(whole, [0], [3], [2]).dtype).toBe("int32");
    expect(tf.matMul(tf.ones([1, 2, 3]), tf.ones([5, 3, 2])).shape).toEqual([5, 2, 2]);
    expect(() => tf.avgPool(tf.ones([1, 3, 2, 1]) as tf.Tensor4D, [2, 2], [1, 4], 1)).toThrow(
      "tfjs's wasm backend, kernel AvgPool: tfjs says that this padding gives 4 × 3 places to the window, and there are 4 × 1",
    );
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    await selectBackend("cpu");
  });

  it.each(["cpu", "wasm"] as const)("refuse on %s what none of tfjs's own computes", async (name) => {
    await selectBackend(name);
    const wrong: readonly [string, () => tf.Tensor][] = [
      ["BatchMatMul", () => tf.matMul(tf.ones([2, 1, 3, 2]), tf.ones([3, 2, 4]))],
      ["DenseBincount", () => tf.denseBincount(tf.tensor1d([1, 1], "int32"), tf.tensor1d([]), 2, true)],
      ["Mean", () => tf.mean(tf.tensor1d([]))],
      ["All", () => tf.all(tf.tensor1d([], "bool"))],
      ["StridedSlice", () => tf.stridedSlice(tf.ones([2, 2]), [-1, 0], [-4, 1], [-1, 1], 0, 0, 0, 0, 2)],
    ];
    for (const [kernel, compute] of wrong) {
      expect(compute).toThrow(
        `tfjs's ${name} backend, kernel ${kernel}: it computes this case wrongly and does not say so. Use the compiled engine`,
      );
    }
    expect([...tf.matMul(tf.ones([2, 1, 2]), tf.ones([2, 2, 1])).dataSync()]).toEqual([2, 2]);
    expect(tf.mean(tf.tensor1d([1, 2])).dataSync()[0]).toBe(1.5);
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
