import { float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import { eager } from "../run/eager.js";

const ramp = (shape: readonly number[], scale = 0.1) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7) * scale * 10),
  );

describe("compile", () => {
  it("runs a function and its gradients as eager tfjs does", async () => {
    const fn = ({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }) => {
      const loss = (a: tf.Tensor, b: tf.Tensor) =>
        tf.mean(
          tf.square(tf.softmax(tf.relu(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true)))),
        ) as tf.Scalar;
      const { value, grads } = tf.valueAndGrads(loss)([x, w]);
      return { value, grads };
    };
    const inputs = { x: ramp([5, 3]), w: ramp([7, 3]) };
    const program = await compile(fn, inputs);
    const reference = await (await eager("cpu"))(fn, inputs);
    const got = await program.run(inputs);
    const wanted = await reference.run(inputs);
    expect(got.value.data[0]).toBeCloseTo(wanted.value.data[0], 6);
    for (const i of [0, 1]) {
      expect(got.grads[i].shape).toEqual(wanted.grads[i].shape);
      for (const [j, v] of wanted.grads[i].data.entries()) expect(got.grads[i].data[j]).toBeCloseTo(v, 6);
    }
    await program.dispose();
  });

  it("refuses to run on with a captured variable's old value", async () => {
    const rate = tf.variable(tf.scalar(2));
    const scaled = (x: tf.Tensor) => tf.mul(x, rate);
    const given = float32([1], Float32Array.of(3));
    const program = await compile(scaled, given, { threads: 1 });
    expect((await program.run(given)).data[0]).toBe(6);
    rate.assign(tf.scalar(5));
    await expect(program.run(given)).rejects.toThrow(`the variable ${rate.name} was assigned after the function`);
    const again = await compile(scaled, given, { threads: 1 });
    expect((await again.run(given)).data[0]).toBe(15);
    await Promise.all([program.dispose(), again.dispose()]);
    rate.dispose();
  });
});
