import { createRng, type FloatTensor, float32, int32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { registerKernelRule } from "../compile/kernel-table.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { type DeviceTensor, readTree } from "../run/runtime.js";
import { runtimeForTests } from "./adapter.test.support.js";
import { createWebGpuRuntime } from "./webgpu-runtime.js";

const runtime = (await runtimeForTests())!;
const rng = createRng("webgpu");

type State = { readonly w: tf.Tensor2D; readonly m: tf.Tensor2D };
type Given = { readonly state: State; readonly x: tf.Tensor2D; readonly rate: tf.Scalar };

/** Gradient descent with momentum on ‖x w − x‖², as one program. */
const step = ({ state, x, rate }: Given) => {
  const loss = (w: tf.Tensor2D) => tf.mean(tf.square(tf.sub(tf.matMul(x, w), x))) as tf.Scalar;
  const { value, grads } = tf.engine().gradients(() => loss(state.w), [state.w]);
  const m = tf.add(tf.mul(state.m, 0.9), grads[0]) as tf.Tensor2D;
  return { state: { w: tf.sub(state.w, tf.mul(m, rate)) as tf.Tensor2D, m }, report: { loss: value as tf.Scalar } };
};
const start = () => ({ w: uniform(createRng(3), [7, 7]), m: float32([7, 7]) });
const x = uniform(rng, [11, 7]);
const rate = float32([], Float32Array.of(0.1));

describe.skipIf(runtime === undefined)("the WebGPU runtime", () => {
  it("keeps state on the device, given up and changed in place, as the host would", async () => {
    const keep = (path: string) => path.startsWith("state");
    const program = await runtime.compile(step, { state: start(), x, rate }, { keep });
    const host = await eager("cpu")(step, { state: start(), x, rate } as never);
    let ours = await runtime.place(start());
    let theirs: { w: FloatTensor; m: FloatTensor } = start();
    const first = ours;
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const made = await program.launch({ state: ours, x, rate } as never);
      const reference = (await host.run({ state: theirs, x, rate } as never)) as never as {
        state: typeof theirs;
        report: { loss: FloatTensor };
      };
      ours = made.state as typeof ours;
      theirs = reference.state;
      losses.push((await made.report.loss.read()).data[0]);
      expect(losses[i]).toBeCloseTo(reference.report.loss.data[0], 5);
    }
    expect(losses[4]).toBeLessThan(losses[0]);
    expectClose(await readTree(ours as never), theirs);
    await expect(first.w.read()).rejects.toThrow("no longer on the device");
    await expect(program.launch({ state: first, x, rate } as never)).rejects.toThrow("the tensor state.w is no longer");
    await program.dispose();
  });

  it("reads what was there when it was asked, whatever is launched after", async () => {
    const program = await runtime.compile((x: tf.Tensor) => tf.add(x, 1), float32([3]));
    const before = await program.launch(float32([3], Float32Array.of(1, 2, 3)));
    const reading = before.read();
    await program.launch(float32([3], Float32Array.of(10, 20, 30)));
    expect([...(await reading).data]).toEqual([2, 3, 4]);
    await program.dispose();
  });

  it("takes its own output as an input, twice the same, and values from ordinary memory beside", async () => {
    const program = await runtime.compile(({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => tf.sub(tf.mul(a, 2), b), {
      a: float32([2]),
      b: float32([2]),
    } as never);
    const host = float32([2], Float32Array.of(5, 7));
    const once = await program.launch({ a: host, b: float32([2], Float32Array.of(1, 1)) } as never);
    const twice = await program.launch({ a: once, b: once } as never);
    expect([...(await (twice as DeviceTensor).read()).data]).toEqual([9, 13]);
    await program.dispose();
  });

  it("computes a long chain and its gradient in kernels of bounded length", async () => {
    const gradient = tf.grad((x: tf.Tensor) => {
      let y = x;
      for (let i = 0; i < 60; i++) y = tf.sin(tf.add(y, x));
      return tf.sum(y);
    });
    const x = float32([2], Float32Array.of(0.1, 0.2));
    const program = await runtime.compile(gradient, x);
    const before = runtime.traffic().dispatches;
    expectClose(await program.run(x), await (await eager("cpu")(gradient, x)).run(x));
    // One kernel of all of them takes drivers minutes where they are thousands.
    expect(runtime.traffic().dispatches - before).toBeGreaterThan(4);
    await program.dispose();
  });

  it("refuses inputs that do not fit, by name", async () => {
    const program = await runtime.compile(({ a }: { a: tf.Tensor }) => tf.neg(a), { a: float32([2]) } as never);
    const refuse = (a: unknown, message: string) => expect(program.launch({ a } as never)).rejects.toThrow(message);
    await refuse(float32([3]), "program.launch: the input a has shape [3], not [2]. Pass a as float32");
    await refuse(int32([2]), "the input a is int32, not float32");
    await refuse({ ...float32([2]), data: new Float32Array(1) }, "the input a holds 1 numbers, not 2");
    await refuse(undefined, "the input a is missing");
    await program.dispose();
  });

  it("names the operator it has no form for, and the line that called it", async () => {
    registerKernelRule("TestFrobnicate", ({ inputs: { x }, graph }) => graph.node("Frobnicate", [x], x.shape));
    const strange = (x: tf.Tensor) => tf.engine().runKernel("TestFrobnicate", { x: tf.neg(x) }) as tf.Tensor;
    await expect(runtime.compile(strange, float32([4]))).rejects.toThrow(
      /webgpu-runtime\.test\.ts:\d+:\d+ \(webgpu: Frobnicate\): the device has no form of this operator\. Write it/,
    );
  });

  it("says what to install where there is no adapter", async () => {
    await expect(createWebGpuRuntime({ gpu: { requestAdapter: async () => null } })).rejects.toThrow(
      /createWebGpuRuntime: WebGPU finds no adapter\. Install a Vulkan driver/,
    );
  });
});
