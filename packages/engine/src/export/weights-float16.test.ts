import { createRng, float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { trace } from "../compile/trace.js";
import { createProgram } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { bind } from "./bind.js";
import { float16Bits, weightsFloat16 } from "./weights-float16.js";

const rng = createRng(2);
const w = uniform(rng, [61, 31]);
const x = uniform(rng, [5, 31]);
const traced = () =>
  bind(
    trace(({ w, x }: { w: tf.Tensor2D; x: tf.Tensor2D }) => tf.matMul(x, w, false, true), { w, x }),
    "w",
    w,
  );

describe("weightsFloat16", () => {
  // IEEE 754 binary16: largest, largest below rounding to infinity, subnormals, ties to even.
  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [1023.75 * 2 ** -24, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [-0, 0x8000],
    [Number.NaN, 0x7e00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
  ])("the bits of %f", (value, bits) => expect(float16Bits(value)).toBe(bits));

  it("halves the file and changes results by less than a thousandth", async () => {
    const whole = await createProgram(traced());
    const half = await createProgram(weightsFloat16(traced()));
    expect(whole.onnx().length - half.onnx().length).toBeGreaterThan(w.data.length * 1.9);
    const [a, b] = [await half.run({ x }), await whole.run({ x })];
    expectClose(a, b, 1e-3);
    expect([...a.data]).not.toEqual([...b.data]);
    await whole.dispose();
    await half.dispose();
  });

  it("leaves small constants and such with large values alone", () => {
    const large = float32(w.shape, w.data.map((value) => value * 1e5) as Float32Array);
    const kept = bind(
      trace(({ w }: { w: tf.Tensor2D }) => tf.exp(w), { w }),
      "w",
      large,
    );
    expect(weightsFloat16(kept).graph.nodes.map(({ op }) => op)).toEqual(["Exp"]);
    expect(weightsFloat16(traced(), 1e6).graph.nodes.map(({ op }) => op)).toEqual(["Gemm"]);
  });
});
