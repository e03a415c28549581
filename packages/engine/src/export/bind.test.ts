import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { trace } from "../compile/trace.js";
import { createProgram } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { bind } from "./bind.js";

type Inputs = { params: { w: tf.Tensor2D; b: tf.Tensor1D }; x: tf.Tensor2D };
const fn = ({ params, x }: Inputs) => ({ y: tf.add(tf.matMul(x, params.w, false, true), params.b) });
const rng = createRng(1);
const params = { w: uniform(rng, [7, 3]), b: uniform(rng, [7]) };
const x = uniform(rng, [5, 3]);

describe("bind", () => {
  it("makes constants of inputs: the program takes the rest and gives the same", async () => {
    const bound = bind(trace(fn, { params, x }), "params", params);
    expect(bound.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    const program = await createProgram(bound);
    const wanted = await (await eager("cpu"))(fn, { params, x });
    expectClose(await program.run({ x }), await wanted.run({ params, x }));
    await program.dispose();
  });

  it("refuses values that are missing or of another shape, by path", () => {
    const traced = trace(fn, { params, x });
    // @ts-expect-error: nor does it compile
    expect(() => bind(traced, "params", { w: params.w })).toThrow("bind: there is no value for params.b. Give a tree");
    expect(() => bind(traced, "params", { ...params, b: uniform(rng, [3]) })).toThrow(
      "bind: params.b is float32 [3], the graph takes float32 [7]",
    );
  });
});
