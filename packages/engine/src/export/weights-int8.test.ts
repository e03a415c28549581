import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { createProgram } from "../compile/compile.js";
import { trace } from "../compile/trace.js";
import { uniform } from "../parity.test.support.js";
import { bind } from "./bind.js";
import { weightsInt8 } from "./weights-int8.js";

const rng = createRng(3);
const params = { w: uniform(rng, [137, 131]), v: uniform(rng, [137, 131]), b: uniform(rng, [137]) };
const x = uniform(rng, [5, 131]);
type Inputs = { params: { w: tf.Tensor2D; v: tf.Tensor2D; b: tf.Tensor1D }; x: tf.Tensor2D };
const fn = ({ params: { w, v, b }, x }: Inputs) => {
  const hidden = tf.tanh(tf.add(tf.matMul(x, w, false, true), b)) as tf.Tensor2D;
  return tf.matMul(hidden, v);
};
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const dot = (p: ArrayLike<number>, q: ArrayLike<number>) =>
    Array.from(p, (value, i) => value * q[i]).reduce((s, t) => s + t);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe("weightsInt8", () => {
  it("quarters the file and keeps the direction of results", async () => {
    const traced = bind(trace(fn, { params, x }), "params", params);
    const [whole, small] = [await createProgram(traced), await createProgram(weightsInt8(traced))];
    expect(small.graph.nodes.filter(({ op }) => op === "DynamicQuantizeMatMul")).toHaveLength(2);
    expect(small.onnx().length).toBeLessThan(whole.onnx().length * 0.3);
    const [a, b] = [await small.run({ x }), await whole.run({ x })];
    expect(a.shape).toEqual([5, 131]);
    expect(cosine(a.data, b.data)).toBeGreaterThan(0.999);
    expect([...a.data]).not.toEqual([...b.data]);
    await whole.dispose();
    await small.dispose();
  });

  it("leaves products with small weights alone", () => {
    const traced = bind(trace(fn, { params, x }), "params", params);
    expect(weightsInt8(traced, 1e6).graph.nodes).toEqual(traced.graph.nodes);
  });
});
