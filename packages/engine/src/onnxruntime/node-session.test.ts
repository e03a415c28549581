import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { float32, int32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompiledProgram } from "../compile/compile.js";
import { compile } from "./compile.js";
import { type Device, listDevices, remedyFor } from "./node-session.js";

type Inputs = { a: tf.Tensor2D; i: tf.Tensor1D };
const fn = ({ a, i }: Inputs) => ({ sum: tf.add(a, tf.cast(i, "float32")), odd: tf.equal(tf.mod(i, 2), 1) });
const inputs = { a: float32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)), i: int32([3], Int32Array.of(1, 2, 3)) };

describe("a session", () => {
  let program: CompiledProgram<Inputs, ReturnType<typeof fn>>;
  beforeAll(async () => {
    program = await compile(fn, inputs, { threads: 1 });
  });
  afterAll(() => program.dispose());

  it("gives new arrays each time, truth values as int32", async () => {
    const first = await program.run(inputs);
    const second = await program.run({ ...inputs, a: float32([2, 3]) });
    expect([...first.sum.data]).toEqual([2, 4, 6, 5, 7, 9]);
    expect([...second.sum.data]).toEqual([1, 2, 3, 1, 2, 3]);
    expect(first.odd).toEqual({ dtype: "int32", shape: [3], data: Int32Array.of(1, 0, 1) });
  });

  it("writes into a result it is given", async () => {
    const result = await program.run(inputs);
    const { data } = result.sum;
    const again = await program.run({ ...inputs, a: float32([2, 3]) }, result);
    expect(again).toBe(result);
    expect(again.sum.data).toBe(data);
    expect([...data]).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("sees inputs changed in place", async () => {
    const a = float32([2, 3]);
    await program.run({ ...inputs, a });
    a.data[0] = 10;
    expect((await program.run({ ...inputs, a })).sum.data[0]).toBe(11);
  });

  it("refuses inputs that do not fit, by name", async () => {
    const refuse = (given: object, message: string) =>
      expect(program.run({ ...inputs, ...given } as never)).rejects.toThrow(message);
    await refuse({ a: float32([3, 2]) }, "program.run: the input a has shape [3, 2], not [2, 3]. Pass a as float32");
    await refuse({ i: float32([3]) }, "the input i is float32, not int32");
    await refuse({ i: undefined }, "the input i is missing");
    const with6 = (data: unknown) => ({ a: { dtype: "float32", shape: [2, 3], data } });
    await refuse(with6(new Float32Array(5)), "the input a holds 5 numbers, not 6");
    await refuse(with6(new Float64Array(6)), "the input a holds its numbers in Float64Array, not Float32Array");
    await refuse({ a: tf.zeros([2, 3]) }, "the input a is a tensor of tfjs, not one in ordinary memory");
  });

  it("refuses a result that does not fit, by name", async () => {
    const into = { sum: float32([6]), odd: int32([3]) };
    await expect(program.run(inputs, into)).rejects.toThrow("the output sum has shape [6], not [2, 3]");
  });

  it("writes a model that ONNX Runtime reads again, with the same names", async () => {
    const ort = await import("onnxruntime-node");
    const session = await ort.InferenceSession.create(program.onnx());
    expect(session.inputNames).toEqual(["a", "i"]);
    expect(session.outputNames).toEqual(["sum", "odd"]);
    const result = await session.run({
      a: new ort.Tensor("float32", inputs.a.data, [2, 3]),
      i: new ort.Tensor("int32", inputs.i.data, [3]),
    });
    expect([...(result.sum.data as Float32Array)]).toEqual([2, 4, 6, 5, 7, 9]);
    await session.release();
  });
});

describe("devices", () => {
  it("are had as the installed onnxruntime-node has them", () => {
    // What its installer fetches, and for which systems.
    const require = createRequire(import.meta.url);
    const folder = join(dirname(require.resolve("onnxruntime-node/package.json")), "script");
    const { requirements } = require(join(folder, "install-metadata.js")) as {
      requirements: Readonly<Record<string, readonly string[]>>;
    };
    const fetched = Object.entries(requirements).flatMap(([system, names]) => names.map((name) => `${system} ${name}`));
    expect(fetched).toEqual(["linux/x64 cuda12"]);
    expect(remedyFor("cuda", "linux x64")).toMatch(
      /^Install CUDA 12 .*ONNXRUNTIME_NODE_INSTALL=cuda12.*Nobody has tried/,
    );
    expect(remedyFor("cuda", "win32 x64")).toBe(
      "onnxruntime-node has CUDA for Linux on x64 alone; use --device webgpu or cpu",
    );
    // Its README's table of systems.
    expect(remedyFor("webgpu", "linux arm64")).toContain("do not have WebGPU");
    expect(remedyFor("webgpu", "darwin arm64")).toContain("Metal");
  });

  it("include the cpu", () => expect(listDevices()).toContain("cpu"));

  it("that are missing are refused with the remedy, never replaced", async () => {
    const missing = (["cuda", "webgpu"] as const).filter((device) => !listDevices().includes(device));
    for (const device of [...missing, "tpu" as Device]) {
      await expect(compile(fn, inputs, { device })).rejects.toThrow(
        `createSession: ONNX Runtime cannot use the device ${device} on this machine`,
      );
    }
  });
});
