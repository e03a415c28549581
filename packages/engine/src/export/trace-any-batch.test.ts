import { createRng, fusedKernels } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, createProgram } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { spec } from "../run/program.js";
import { traceAnyBatch } from "./trace-any-batch.js";

type Inputs = { w: tf.Tensor2D; x: tf.Tensor3D };

/** Heads, one-hot picks, repeats, slices, joins: what an encoder does to the batch axis. */
const fn = ({ w, x }: Inputs) => {
  const [B, N, D] = x.shape;
  const flat = tf.matMul(tf.reshape(x, [B * N, D]), w, false, true);
  const heads = tf.transpose(tf.reshape(flat, [B, N, 2, 3]), [0, 2, 1, 3]);
  const scores = tf.softmax(tf.matMul(heads, heads, false, true));
  const mixed = tf.reshape(tf.transpose(tf.matMul(scores, heads), [0, 2, 1, 3]), [B, N, 6]);
  const blank = tf.tile(tf.reshape(tf.slice(w, [0, 0], [1, D]), [1, 1, D]), [B, 1, 1]);
  const joined = tf.concat([tf.slice(mixed, [0, 1, 0], [-1, 2, D]) as tf.Tensor3D, blank as tf.Tensor3D], 1);
  return { tokens: joined, mean: tf.mean(joined, 1), twice: tf.reshape(tf.concat([x, x], 0), [2 * B, N * D]) };
};
const exampleOf = (samples: number) => ({ w: spec([6, 6]), x: spec([samples, 5, 6]) });

describe("traceAnyBatch", () => {
  it("makes one program for every batch size, equal to eager", async () => {
    const rng = createRng(4);
    const program = await createProgram(traceAnyBatch(fn, exampleOf));
    const reference = await eager("cpu")(fn, exampleOf(1));
    for (const samples of [1, 2, 7]) {
      const inputs = { w: uniform(rng, [6, 6]), x: uniform(rng, [samples, 5, 6]) };
      const got = await program.run(inputs);
      expect(got.twice.shape).toEqual([2 * samples, 30]);
      expectClose(got, await reference.run(inputs));
    }
    await expect(program.run({ w: uniform(rng, [6, 6]), x: uniform(rng, [3, 4, 6]) })).rejects.toThrow(
      "the input x has shape [3, 4, 6], not [3, 5, 6]",
    );
    await program.dispose();
  });

  it("names the axis in the file, and carries metadata", async () => {
    const program = await createProgram(traceAnyBatch(fn, exampleOf));
    const bytes = program.onnx({ "audio.mean": "-5.081" });
    const session = await ort.InferenceSession.create(bytes);
    const shapes = (list: readonly ort.InferenceSession.ValueMetadata[]) =>
      Object.fromEntries(list.map((one) => [one.name, one.isTensor && one.shape]));
    expect(shapes(session.inputMetadata)).toEqual({ w: [6, 6], x: ["batch", 5, 6] });
    expect(shapes(session.outputMetadata)).toEqual({
      tokens: ["batch", 3, 6],
      mean: ["batch", 6],
      twice: ["2*batch", 30],
    });
    expect(Buffer.from(bytes).includes("-5.081")).toBe(true);
    await session.release();
    await program.dispose();
  });

  it("takes attention over as many tokens as the paper's: no part of the graph counts the clips", async () => {
    // Scores of 12 heads over 708 tokens: more than fit a cache at any batch.
    const [heads, N, d] = [12, 708, 3];
    const attend = ({ q }: { q: tf.Tensor3D }) => {
      const [B] = q.shape;
      const stack = tf.reshape(q, [B * heads, N, d]);
      return tf.reshape(
        tf.engine().runKernel(fusedKernels.attention, { q: stack, k: stack, v: stack } as never) as tf.Tensor,
        [B, heads * N, d],
      );
    };
    const program = await createProgram(traceAnyBatch(attend, (samples) => ({ q: spec([samples, heads * N, d]) })));
    expect(program.graph.nodes.filter(({ op }) => op === "Softmax")).toHaveLength(1);
    const rng = createRng(5);
    const q = uniform(rng, [2, heads * N, d]);
    // For one batch size attention goes in groups, which kernels-attention.test.ts holds to tfjs.
    const reference = await compile(attend, { q });
    expectClose(await program.run({ q }), await reference.run({ q }));
    await program.dispose();
    await reference.dispose();
  });

  it("refuses a function that mixes the samples of a batch by number", () => {
    const mean = ({ x }: { x: tf.Tensor2D }) => tf.mul(tf.sum(x, 0), 1 / x.shape[0]);
    expect(() => traceAnyBatch(mean, (samples) => ({ x: spec([samples, 3]) }))).toThrow(
      "traceAnyBatch: a constant that Mul takes depends on the batch. Trace for one batch size",
    );
    const unrolled = ({ x }: { x: tf.Tensor2D }) => tf.addN(tf.unstack(x).map((row, i) => tf.mul(row, i + 2)));
    expect(() => traceAnyBatch(unrolled, (samples) => ({ x: spec([samples, 3]) }))).toThrow(
      "the function does other operations for another batch size",
    );
    const square = ({ x }: { x: tf.Tensor2D }) => tf.reshape(tf.matMul(x, x, false, true), [-1]);
    expect(() => traceAnyBatch(square, (samples) => ({ x: spec([samples, 3]) }))).toThrow("Trace for one batch size");
  });
});
