import { createRng, type FloatTensor, float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { trace } from "../compile/trace.js";
import { createProgram } from "../onnxruntime/compile.js";
import { uniform } from "../parity.test.support.js";
import { bind } from "./bind.js";
import { largestWeight, weightsInt8 } from "./weights-int8.js";

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

const int16 = (value: number): number => Math.max(-32768, Math.min(32767, value));

/**
 * x · W as processors without VNNI multiply bytes: activations in 8 unsigned bits by one scale (ONNX's
 * DynamicQuantizeLinear), products added in pairs in 16 bits that saturate (`vpmaddubsw`), pairs in 32.
 */
const withoutVnni = ({ shape: [M, K], data: x }: FloatTensor, w: Int8Array, scales: Float32Array): Float32Array => {
  const N = scales.length;
  const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
  const step = (high - low) / 255;
  const zero = Math.round(-low / step);
  const q = Array.from(x, (value) => Math.max(0, Math.min(255, Math.round(value / step) + zero)));
  return Float32Array.from({ length: M * N }, (_, at) => {
    const [m, n] = [Math.floor(at / N), at % N];
    const times = (k: number) => (k < K ? q[m * K + k] * w[k * N + n] : 0);
    let [sum, column] = [0, 0];
    for (let k = 0; k < K; k += 2) sum += int16(times(k) + times(k + 1));
    for (let k = 0; k < K; k++) column += w[k * N + n];
    return (sum - zero * column) * step * scales[n];
  });
};

describe("weightsInt8", () => {
  // Every pair of products as large as it can be, upwards in even columns, downwards in odd ones.
  const [M, K, N] = [3, 134, 129];
  const worst = {
    x: float32([M, K], new Float32Array(M * K).fill(1)),
    w: float32(
      [K, N],
      Float32Array.from({ length: K * N }, (_, at) => (at % N) % 2 || -1),
    ),
  };

  it("has no product that a processor without VNNI would get wrong", async () => {
    const traced = bind(
      trace(({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }) => tf.matMul(x, w), worst),
      "w",
      worst.w,
    );
    const small = weightsInt8(traced);
    const [{ inputs }] = small.graph.nodes;
    const [w, scales] = [1, 2].map((at) => small.graph.constants.find(({ name }) => name === inputs[at])?.data);
    const wanted = Array.from({ length: M * N }, (_, at) => ((at % N) % 2 || -1) * K);
    for (const [at, value] of withoutVnni(worst.x, w as Int8Array, scales as Float32Array).entries()) {
      expect(value / wanted[at]).toBeCloseTo(1, 5);
    }
    expect(2 * 255 * largestWeight).toBeLessThanOrEqual(32767);
    expect(2 * 255 * -largestWeight).toBeGreaterThanOrEqual(-32768);
    expect(Math.max(...(w as Int8Array).map(Math.abs))).toBe(largestWeight);
    const program = await createProgram(small);
    for (const [at, value] of (await program.run({ x: worst.x })).data.entries()) {
      expect(value / wanted[at]).toBeCloseTo(1, 5);
    }
    await program.dispose();
  });

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

  it("leaves weights alone that are to stay", () => {
    const traced = bind(trace(fn, { params, x }), "params", params);
    const { nodes, constants } = weightsInt8(traced, 0, (path) => path === "params.w").graph;
    expect(nodes.filter(({ op }) => op === "DynamicQuantizeMatMul")).toHaveLength(1);
    expect(constants.find(({ name }) => name === "params.w")?.dtype).toBe("float32");
  });
});
