import { float32, int32, isKdcError } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it } from "vitest";
import { selectBackend } from "../backend/select.js";
import { registerKernelRule } from "./kernel-table.js";
import { trace } from "./trace.js";

const x = float32([5, 3]);
const ops = (fn: (input: tf.Tensor) => unknown, example = x): string[] =>
  trace(fn as (input: tf.Tensor) => tf.Tensor, example).graph.nodes.map((node) => node.op);
const messageOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (isKdcError(error)) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("trace", () => {
  it("names inputs and outputs by their paths and rebuilds both trees", () => {
    const { graph, outputs } = trace(
      ({ params, batch }: { params: { w: tf.Tensor2D }[]; batch: tf.Tensor2D }) => ({
        y: tf.matMul(batch, params[0].w),
        list: [tf.neg(batch)],
      }),
      { params: [{ w: float32([3, 7]) }], batch: float32([5, 3]) },
    );
    expect(graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ["params.0.w", [3, 7]],
      ["batch", [5, 3]],
    ]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["y", "list.0"]);
    expect(outputs).toMatchObject({ y: { shape: [5, 7] }, list: [{ shape: [5, 3] }] });
  });

  it("leaves out what no output needs, inputs included", () => {
    const { graph } = trace(
      ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => {
        tf.exp(b);
        return tf.tanh(a);
      },
      { a: x, b: x },
    );
    expect(graph.nodes.map((node) => node.op)).toEqual(["Tanh"]);
    expect(graph.inputs.map(({ name }) => name)).toEqual(["a"]);
  });

  it("makes equal nodes and equal constants once", () => {
    const { graph } = trace((t: tf.Tensor) => [tf.exp(tf.mul(t, [1, 2, 3])), tf.sin(tf.mul(t, [1, 2, 3]))], x);
    expect(graph.nodes.map((node) => node.op).sort()).toEqual(["Exp", "Mul", "Sin"]);
    expect(graph.constants).toHaveLength(1);
  });

  it("gathers known factors, reshapes and transposes into one", () => {
    expect(ops((t) => tf.mul(tf.div(tf.mul(t, 3), 4), 5))).toEqual(["Mul"]);
    expect(ops((t) => tf.reshape(tf.reshape(t, [15]), [3, 5]))).toEqual(["Reshape"]);
    expect(ops((t) => tf.exp(tf.transpose(tf.transpose(t))))).toEqual(["Exp"]);
  });

  it("keeps a repeated value short until somebody needs it long", () => {
    expect(ops((t) => tf.exp(tf.add(t, tf.zeros([2, 5, 3]))))).toEqual(["Add", "Exp", "Expand"]);
    expect(ops((t) => tf.mean(tf.square(tf.mul(t, tf.ones([5, 3])))))).toEqual(["Mul", "ReduceMean"]);
  });

  it("has the product of a linear layer add the bias, unless somebody else needs the bare product", () => {
    const linear = ({ a, w, b }: { a: tf.Tensor2D; w: tf.Tensor2D; b: tf.Tensor1D }) => {
      const product = tf.matMul(a, w, false, true);
      return { y: tf.tanh(tf.add(b, product)), product };
    };
    const example = { a: x, w: float32([7, 3]), b: float32([7]) };
    const nodes = (fn: (inputs: never) => tf.Tensor) => trace(fn, example as never).graph.nodes.map(({ op }) => op);
    expect(nodes((inputs) => linear(inputs).y)).toEqual(["Gemm", "Tanh"]);
    expect(trace(linear, example).graph.nodes.map(({ op }) => op)).toEqual(["Gemm", "Add", "Tanh"]);
  });

  it("copies nothing to name an output, except where a value leaves twice or comes straight in", () => {
    const both = (t: tf.Tensor) => {
      const y = tf.exp(t);
      return { y, again: y, input: t };
    };
    expect(ops(both)).toEqual(["Exp", "Identity", "Identity"]);
    expect(trace(both, x).graph.outputs.map(({ name }) => name)).toEqual(["y", "again", "input_out"]);
  });

  it("takes tensors of another backend as constants and leaves them there", async () => {
    await selectBackend("cpu");
    const outside = tf.tensor([1, 2, 3]);
    const { graph } = trace((t: tf.Tensor) => tf.mul(t, outside), x);
    expect([...graph.constants[0].data]).toEqual([1, 2, 3]);
    expect([...outside.dataSync()]).toEqual([1, 2, 3]);
    outside.dispose();
  });

  it("remembers a constant that fn keeps from one trace to the next", () => {
    let kept: tf.Tensor | undefined;
    const fn = (t: tf.Tensor) => {
      kept ??= tf.keep(tf.tensor([1, 2, 3]));
      return tf.mul(t, kept);
    };
    trace(fn, x);
    expect([...trace(fn, x).graph.constants[0].data]).toEqual([1, 2, 3]);
    expect([...(kept as unknown as tf.Tensor).dataSync()]).toEqual([1, 2, 3]);
    kept?.dispose();
  });
});

describe("trace and the current backend", () => {
  afterEach(() => selectBackend("cpu"));

  it("restores the backend, after an error too, and leaves nothing behind", async () => {
    await selectBackend("cpu");
    const current = tf.getBackend();
    const before = tf.memory().numTensors;
    trace((t: tf.Tensor) => tf.softmax(tf.square(t)), x);
    expect(() =>
      trace(() => {
        throw new Error("mine");
      }, x),
    ).toThrow("mine");
    expect(tf.getBackend()).toBe(current);
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.engine().registryFactory).not.toHaveProperty("kdc-mae-recorder");
    expect(tf.getKernelsForBackend("kdc-mae-recorder")).toEqual([]);
  });
});

describe("what trace cannot do, it says with the line", () => {
  const here = /trace\.test\.ts:\d+:\d+: /;

  it("a kernel without an ONNX form", () => {
    const message = messageOf(() => trace((t: tf.Tensor) => tf.unique(tf.reshape(t, [15])).values, x));
    expect(message).toMatch(here);
    expect(message).toContain("the tfjs kernel Unique has no ONNX form here. Write it with other operations, teach");
    expect(message).toContain('registerKernelRule("Unique", rule)');
  });

  it("reading values", () => {
    const message = messageOf(() => trace((t: tf.Tensor) => tf.mul(t, tf.max(t).dataSync()[0]), x));
    expect(message).toMatch(here);
    expect(message).toContain("the values of a tensor are read while the function is being traced");
    expect(messageOf(() => trace((t: tf.Tensor) => tf.tensor(t.arraySync() as number[][]), x))).toMatch(here);
  });

  it("a draw that would be the same in every run; with a seed it is meant to be", () => {
    const { random } = Math;
    for (const draw of [
      (t: tf.Tensor) => tf.dropout(t, 0.5),
      (t: tf.Tensor) => tf.add(t, tf.randomNormal([3])),
      (t: tf.Tensor) => tf.mul(t, Math.random()),
    ]) {
      const message = messageOf(() => trace(draw, x));
      expect(message).toMatch(here);
      expect(message).toContain("a random number is drawn while the function is being traced, and would be the same");
      expect(Math.random).toBe(random);
    }
    expect(ops((t) => tf.dropout(t, 0.5, undefined, 7))).toContain("Floor");
  });

  it("a promise", () => {
    const fn = async (t: tf.Tensor) => tf.scalar((await t.data())[0]);
    expect(messageOf(() => trace(fn as never, x))).toContain("returned a promise");
  });

  it("something that is not a tensor", () => {
    expect(messageOf(() => trace((() => ({ y: 3 })) as never, x))).toContain("y is number, not a tensor");
  });

  it("an input of another type", () => {
    const bool = { dtype: "bool", shape: [2], data: new Uint8Array(2) };
    expect(messageOf(() => trace((t: tf.Tensor) => t, bool as never))).toContain(
      "compile: the input (root) has type bool. Give inputs as float32 or int32",
    );
  });

  it("two inputs of one name", () => {
    const example = { "a.b": x, a: { b: x } };
    expect(
      messageOf(() => trace((t: typeof example) => (t as never as { a: { b: tf.Tensor } }).a.b, example as never)),
    ).toContain("two inputs are called a.b. Do not use dots");
  });
});

describe("kernel rules from outside", () => {
  const cube = (t: tf.Tensor) => tf.engine().runKernel("Cube", { x: t }) as tf.Tensor;
  const rule = ({ inputs, graph }: Parameters<Parameters<typeof registerKernelRule>[1]>[0]) =>
    graph.elementwise("Mul", [inputs.x, graph.elementwise("Mul", [inputs.x, inputs.x])]);

  it("count for one trace when passed, for all when registered", () => {
    expect(trace(cube, x, { Cube: rule }).graph.nodes.map((node) => node.op)).toEqual(["Mul", "Mul"]);
    expect(messageOf(() => trace(cube, x))).toContain("the tfjs kernel Cube has no ONNX form");
    registerKernelRule("Cube", rule);
    expect(ops(cube)).toEqual(["Mul", "Mul"]);
    expect(() => registerKernelRule("Cube", rule)).toThrow("the kernel Cube already has a rule");
  });

  it("lie over the table", () => {
    const { graph } = trace((t: tf.Tensor) => tf.exp(t), int32([3]) as never, {
      Exp: ({ inputs, graph: g }) => g.elementwise("Neg", [inputs.x]),
    });
    expect(graph.nodes.map((node) => node.op)).toEqual(["Neg"]);
  });
});

describe("shapes that do not fit", () => {
  it.each<[string, (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor, string]>([
    [
      "a product",
      (a, b) => tf.matMul(a, b),
      "the factors of a matrix product, of shapes [5, 3] and [2, 4] do not fit. The axis that is summed over has 3 and 2 numbers:",
    ],
    [
      "a product transposed",
      (a, b) => tf.matMul(a, b, true, true),
      "has 5 and 4 numbers, the first transposed, the second transposed",
    ],
    ["a sum", (a, b) => tf.add(a, b), "the shapes [5, 3] and [2, 4] do not fit. Counted from the last axis"],
    ["joined", (a, b) => tf.concat([a, b], 0), "the shapes [5, 3] and [2, 4] do not fit. They are joined along axis 0"],
    [
      "in the middle of a batch",
      (a, b) => tf.matMul(tf.reshape(a, [5, 1, 3]), tf.reshape(b, [4, 1, 2]), true),
      "[5] and [4] do not fit",
    ],
  ])("are refused at the line that would join them: %s", (_, fn, message) => {
    const said = messageOf(() =>
      trace(({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) => fn(a, b), { a: float32([5, 3]), b: float32([2, 4]) }),
    );
    expect(said).toContain(message);
    expect(said).toMatch(/trace\.test\.ts:\d+:\d+/);
  });
});
