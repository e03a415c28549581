import { createRng, float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { uniform } from "../parity.test.support.js";
import { eager } from "./eager.js";
import { comparePrograms } from "./parity.js";

describe("comparePrograms", () => {
  const x = uniform(createRng(3), [5, 7]);

  it("finds compiled and eager alike", async () => {
    const fn = (t: tf.Tensor) => ({ soft: tf.softmax(t), sum: tf.sum(t) });
    const [a, b] = [await compiled()(fn, x), await eager("cpu")(fn, x)];
    const differences = await comparePrograms(a, b, x);
    expect(differences.map(({ path }) => path)).toEqual(["soft", "sum"]);
    for (const { relative, largest } of differences) {
      expect(relative).toBeLessThan(1e-6);
      expect(largest).toBeLessThan(1e-5);
    }
    await a.dispose();
  });

  it("says how far others are apart", async () => {
    const cpu = eager("cpu");
    const [double, triple] = [
      await cpu((t: tf.Tensor) => tf.mul(t, 2), x),
      await cpu((t: tf.Tensor) => tf.mul(t, 3), x),
    ];
    const [{ path, relative, largest }] = await comparePrograms(triple, double, float32([2], Float32Array.of(3, 4)));
    expect({ path, relative, largest }).toEqual({ path: "", relative: 0.5, largest: 4 });
  });

  it("does not hide what is not a number", async () => {
    const cpu = eager("cpu");
    const [nan, same] = [await cpu((t: tf.Tensor) => tf.log(t), x), await cpu((t: tf.Tensor) => tf.clone(t), x)];
    const [{ relative, largest }] = await comparePrograms(nan, same, float32([1], Float32Array.of(-1)));
    expect([relative, largest]).toEqual([Number.NaN, Number.NaN]);
  });

  it("refuses outputs of different shapes", async () => {
    const cpu = eager("cpu");
    const [a, b] = [await cpu((t: tf.Tensor) => tf.sum(t, 0), x), await cpu((t: tf.Tensor) => tf.sum(t, 1), x)];
    await expect(comparePrograms(a, b, x)).rejects.toThrow(
      "comparePrograms: the output (root) has shape [7] in one program and [5] in the other",
    );
  });
});
