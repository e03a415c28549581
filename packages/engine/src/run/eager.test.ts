import { float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { selectBackend } from "../backend/select.js";
import { eager } from "./eager.js";

describe("eager", () => {
  it("releases every tensor, after an error too", async () => {
    await selectBackend("cpu");
    const before = tf.memory().numTensors;
    const program = await eager("cpu")(
      ({ x }: { x: tf.Tensor }) => ({ y: tf.softmax(tf.mul(x, 2)), x, nested: [tf.sum(x)] }),
      { x: float32([5, 3]) },
    );
    const result = await program.run({ x: float32([5, 3]) });
    expect(result.nested[0].data[0]).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
    const broken = await eager("cpu")(
      (x: tf.Tensor): tf.Tensor => {
        tf.exp(x);
        throw new Error("mine");
      },
      float32([2]),
    );
    await expect(broken.run(float32([2]))).rejects.toThrow("mine");
    expect(tf.memory().numTensors).toBe(before);
  });

  it("writes into a result it is given, and refuses one that does not fit", async () => {
    const program = await eager("cpu")((x: tf.Tensor) => tf.mul(x, 2), float32([2]));
    const into = float32([2]);
    expect(await program.run(float32([2], Float32Array.of(1, 2)), into)).toBe(into);
    expect([...into.data]).toEqual([2, 4]);
    await expect(program.run(float32([2]), float32([3]))).rejects.toThrow(
      "program.run: the output (root) is float32 [2], the array to write into is float32 with 3 numbers",
    );
  });

  it("refuses a function that gives a promise, whose tensors would be lost", async () => {
    const program = await eager("cpu")((async (x: tf.Tensor) => x) as never, float32([2]));
    await expect(program.run(float32([2]) as never)).rejects.toThrow("the function to compile returned a promise");
  });

  it.each<[string, unknown, string]>([
    ["a number", () => ({ y: 3 }), "y is number, not a tensor, record or list. Give trees of tensors only"],
    ["nothing", () => undefined, "the root is undefined, not a tensor, record or list"],
    ["text", () => tf.tensor(["a"]), "the output (root) is a tensor of type string. Give tensors of float32, int32 or"],
  ])("refuses a function that gives %s, as a compiled one is", async (_, fn, message) => {
    await selectBackend("cpu");
    const before = tf.memory().numTensors;
    const program = await eager("cpu")(fn as (x: tf.Tensor) => tf.Tensor, float32([2]));
    await expect(program.run(float32([2]))).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});
