import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import type { Execute } from "../run/runtime.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { numbers, type X } from "./cases.test.support.js";
import { trace } from "./trace.js";

const { NaN: none, POSITIVE_INFINITY: endless } = Number;

/** A tensor of nothing that is only known to be so when the program runs. */
const empty = (x: X, ...shape: number[]): X => tf.reshape(tf.slice(x, [0], [0]), shape);
const ints = (x: X, values: number[]): X => tf.add(tf.cast(tf.mul(x, 0), "int32"), tf.tensor1d(values, "int32"));
/** What has no elements cannot leave a program on a card: it is padded with one 7 along its second axis. */
const framed = (x: X): X =>
  tf.pad(
    x,
    [
      [0, 0],
      [1, 0],
    ],
    7,
  );

/**
 * Values that follow from what an operation is, where tfjs's own backends are no judge: TensorFlow's reference for reductions of
 * nothing and for atan2 (IEEE 754), two's complement for whole numbers that overflow. x is 1, 2.
 */
const known: readonly (readonly [
  name: string,
  fn: (x: X) => X,
  values: readonly number[],
  shape: readonly number[],
])[] = [
  ["concat of nothing", (x) => framed(tf.concat([empty(x, 2, 0), empty(x, 3, 0)])), [7, 7, 7, 7, 7], [5, 1]],
  ["stack of nothing", (x) => framed(tf.stack([empty(x, 0), empty(x, 0)])), [7, 7], [2, 1]],
  ["running product of nothing", (x) => framed(tf.cumprod(empty(x, 2, 0), 1)), [7, 7], [2, 1]],
  ["reverse of nothing", (x) => framed(tf.reverse(empty(x, 2, 0), 1)), [7, 7], [2, 1]],
  ["nothing in another shape", (x) => framed(tf.reshape(tf.exp(empty(x, 0, 2)), [3, 0])), [7, 7, 7], [3, 1]],
  [
    "a slice backwards of nothing",
    (x) => framed(tf.stridedSlice(empty(x, 2, 0), [0, 0], [2, 9], [1, -1])),
    [7, 7],
    [2, 1],
  ],
  ["batches of nothing", (x) => tf.sum(tf.matMul(empty(x, 0, 1, 2), tf.ones([1, 2, 1]))), [0], []],
  ["a transposed product of nothing", (x) => tf.matMul(empty(x, 0, 2), empty(x, 0, 1), true), [0, 0], [2, 1]],
  ["pow of −∞", (x) => tf.pow(tf.div(x, [-0, -0]), tf.tensor1d([-2.5, 1.5])), [0, endless], [2]],
  ["a product of nothing", (x) => tf.matMul(empty(x, 2, 0), empty(x, 0, 1)), [0, 0], [2, 1]],
  ["sum of nothing, repeated", (x) => tf.sum(tf.broadcastTo(empty(x, 1, 0), [3, 0]), [0, 1]), [0], []],
  ["mean of nothing", (x) => tf.mean(empty(x, 0, 2), 0), [none, none], [2]],
  ["product and largest of nothing", (x) => tf.stack([tf.prod(empty(x, 0)), tf.max(empty(x, 0))]), [1, -endless], [2]],
  ["any of nothing", (x) => tf.any(tf.cast(empty(x, 0), "bool")), [0], []],
  [
    "whether each number is in a row",
    (x) => tf.denseBincount(ints(x, [1, 1]) as tf.Tensor1D, tf.tensor1d([]), 3, true),
    [0, 1, 0],
    [3],
  ],
  ["all of nothing", (x) => tf.all(tf.cast(empty(x, 0), "bool")), [1], []],
  ["reverse, every axis", (x) => tf.reverse(tf.stack([x, tf.mul(x, 3)])), [6, 3, 2, 1], [2, 2]],
  ["whole numbers are numbers", (x) => tf.isNaN(ints(x, [1, 2])), [0, 0], [2]],
  [
    "and end",
    (x) => tf.logicalAnd(tf.isFinite(ints(x, [1, 2])), tf.logicalNot(tf.isInf(ints(x, [1, 2])))),
    [1, 1],
    [2],
  ],
  ["leakyRelu of whole numbers", (x) => tf.leakyRelu(ints(x, [-2, 3]), 0.25), [-0.5, 3], [2]],
  ["log1p of whole numbers", (x) => tf.log1p(ints(x, [0, 3])), [0, Math.fround(Math.log(4))], [2]],
  ["a sum beyond int32", (x) => tf.sum(ints(x, [2147483647, 3])), [-2147483646], []],
  [
    "a matrix product beyond 2²⁴",
    (x) => tf.matMul(tf.reshape(ints(x, [16777217, 2147483647]), [1, 2]), tf.reshape(ints(x, [1, 3]), [2, 1])),
    [(16777217 + 3 * 2147483647) | 0],
    [1, 1],
  ],
  ["softmax about ∞", (x) => tf.softmax(tf.mul(x, tf.tensor1d([1, endless]))), [none, none], [2]],
  ["its logarithm", (x) => tf.logSoftmax(tf.mul(x, tf.tensor1d([1, endless]))), [none, none], [2]],
  ["a product beyond int32", (x) => tf.prod(ints(x, [65537, 65539])), [(65537 * 65539) | 0], []],
];

/** The angle of (b, a), by IEEE 754 (Math.atan2 of JavaScript is that). */
const points = [0, -0, 1, -2, endless, -endless, none].flatMap((a) =>
  [0, -0, 3, -3, endless, -endless, none].map((b) => [a, b] as const),
);

const runtime = await runtimeForTests();
const ways: readonly (readonly [string, Execute])[] = [
  ["ONNX Runtime", (fn, example) => compile(fn, example, { threads: 1 })],
  ...(runtime === undefined ? [] : [["WebGPU", runtime.execute] as const]),
];

describe.each(ways)("values by definition, on %s", (_, execute) => {
  const [a, b] = [0, 1].map((at) =>
    numbers(
      [points.length],
      points.map((point) => point[at]),
    ),
  );
  const inputs = { x: numbers([2], [1, 2]), a, b };
  type Inputs = { readonly x: X; readonly a: X; readonly b: X };
  const all = ({ x, a, b }: Inputs) => ({ list: known.map(([, fn]) => fn(x)), angles: tf.atan2(a, b) });
  const made = async () => {
    const program = await execute(all, inputs);
    return program.run(inputs).finally(() => program.dispose());
  };
  let result: Awaited<ReturnType<typeof made>>;
  beforeAll(async () => {
    result = await made();
  });

  it.each(known.map(([name, , values, shape], at) => [name, at, values, shape] as const))(
    "%s",
    (_, at, values, shape) => {
      const { data, shape: given } = result.list[at];
      expect([given, [...data]]).toEqual([shape, values]);
    },
  );

  it("atan2 of zeros, infinities and NaN", () => {
    for (const [at, angle] of result.angles.data.entries()) {
      const wanted = Math.atan2(...points[at]);
      if (Number.isNaN(wanted)) expect(angle, `atan2(${points[at]})`).toBeNaN();
      else expect(angle, `atan2(${points[at]})`).toBeCloseTo(wanted, 6);
    }
  });
});

it.each([
  ["bools added", (x: X) => tf.add(tf.greater(x, 0), tf.greater(x, 1)), /Add is asked of bool tensors/],
  ["bools scanned", (x: X) => tf.cumsum(tf.greater(x, 0)), /CumSum is asked of bool tensors/],
  ["bools multiplied", (x: X) => tf.dot(tf.greater(x, 0), tf.greater(x, 1)), /MatMul is asked of bool tensors/],
  ["pow of int32", (x: X) => tf.pow(tf.cast(x, "int32"), tf.cast(x, "int32")), /pow of int32 tensors/],
] as const)("%s: refused, and what to do", (_, fn, words) => {
  expect(() => trace(fn, numbers([2], []))).toThrow(words);
});

it("a variable from outside is not assigned while tracing, one from inside is", () => {
  const total = tf.variable(tf.scalar(2));
  const assigning = (variable: () => tf.Variable) => (x: X) => {
    const own = variable();
    own.assign(tf.mean(x));
    return tf.mul(x, own);
  };
  expect(() =>
    trace(
      assigning(() => total),
      numbers([2], []),
    ),
  ).toThrow(/is assigned while the function is being traced/);
  expect(total.dataSync()[0]).toBe(2);
  total.assign(tf.scalar(3));
  expect(total.dataSync()[0]).toBe(3);
  expect(
    trace(
      assigning(() => tf.variable(tf.scalar(0))),
      numbers([2], []),
    ).graph.nodes.map(({ op }) => op),
  ).toContain("Mul");
  total.dispose();
});

it.each([
  ["conv2d", (x: tf.Tensor4D) => tf.conv2d(x, tf.ones([3, 2, 1, 1]), 1, 1)],
  ["conv2d, rounded up", (x: tf.Tensor4D) => tf.conv2d(x, tf.ones([3, 3, 1, 1]), 2, 1, "NHWC", 1, "ceil")],
  ["depthwiseConv2d", (x: tf.Tensor4D) => tf.depthwiseConv2d(x, tf.ones([3, 2, 1, 1]), 1, 1)],
  ["maxPool", (x: tf.Tensor4D) => tf.maxPool(x, 2, [1, 2], 1)],
  ["avgPool", (x: tf.Tensor4D) => tf.avgPool(x, [3, 2], 1, 1)],
] as const)("%s with padding for which tfjs has the wrong size is refused", (_, fn) => {
  expect(() => trace(fn, numbers([1, 6, 7, 1], []))).toThrow(/tfjs says that this padding gives/);
});
