import { float32, isKdcError } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { spec } from "../run/program.js";
import { openAdapter } from "./adapter.js";
import { runtimeForTests } from "./adapter.test.support.js";
import { createDevice } from "./device.js";
import { planFunction } from "./webgpu-runtime.js";

const runtime = await runtimeForTests();
const limits = { largest: 2 ** 20, bindings: 8 };

describe("what can go wrong on a device is said in words", () => {
  it("a tensor larger than the adapter binds, by operator", () => {
    const large = (x: tf.Tensor2D) => tf.sum(tf.matMul(tf.exp(x), x, false, true));
    expect(() => planFunction(large, spec([1000, 3]), { limits, half: false })).toThrow(
      /webgpu: (MatMul|Gemm).*: a tensor of 4 MB is larger than this adapter binds at once \(1 MB\)\. Use a smaller batch/,
    );
  });

  it.skipIf(runtime === undefined)("a shader that does not compile, by operator", async () => {
    const { device } = await openAdapter();
    const shader = { label: "Add+Tanh", code: "fn main( {", writable: [true] };
    const error = await device.pipeline(shader).catch((caught: unknown) => caught);
    expect(isKdcError(error) && [error.where, error.reason]).toEqual(["webgpu: Add+Tanh", "shader"]);
    expect((error as Error).message).toMatch(/compiler refused the kernel \(.*\)\. Update the graphics driver/);
    device.dispose();
  });

  it.skipIf(runtime === undefined)("a device that is lost", async () => {
    const { device } = await openAdapter();
    const buffer = await device.createBuffer("a tensor", 256, 140);
    device.gpu.destroy();
    await device.gpu.lost;
    await expect(device.read(buffer, 0, 4)).rejects.toThrow(
      /webgpu: the device was lost \(destroyed.*\)\. Start again/,
    );
    await expect(device.createBuffer("more", 256, 140)).rejects.toThrow("the device was lost");
  });

  it("no memory left, by what it was for; a real card is not filled up for this: the device is a stand-in", async () => {
    const none = { message: "out of memory" };
    const device = createDevice({
      lost: new Promise(() => undefined),
      limits: { maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 30 },
      pushErrorScope: () => undefined,
      popErrorScope: async () => none,
      createBuffer: () => ({ size: 2 ** 29 }),
    } as unknown as GPUDevice);
    await expect(device.createBuffer("arena 0 for activations", 2 ** 29, 140)).rejects.toThrow(
      "webgpu: arena 0 for activations: the GPU has no 512 MB left for it. Use a smaller batch",
    );
    expect(device.allocated()).toEqual({ buffers: 0, bytes: 0 });
    await expect(device.createBuffer("one tensor", 2 ** 31, 140)).rejects.toThrow(
      "webgpu: one tensor: it needs 2048 MB in one piece; this adapter allows 1024 MB",
    );
  });

  it.skipIf(runtime === undefined)("programs that were disposed of leave no buffers", async () => {
    const before = runtime!.allocated();
    const x = float32(
      [5, 3],
      Float32Array.from({ length: 15 }, (_, i) => i),
    );
    const program = await runtime!.compile((x: tf.Tensor) => tf.softmax(tf.mul(x, 2)), x);
    await program.run(x);
    await program.dispose();
    const after = runtime!.allocated();
    // Staging memory stays, to be used again.
    expect(after.buffers - before.buffers).toBeLessThanOrEqual(1);
    expect(after.bytes - before.bytes).toBeLessThanOrEqual(256);
  });
});
