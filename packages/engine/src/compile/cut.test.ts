import { createRng, type FloatTensor, float32, type HostTensor } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { asTree, type Hosted, spec } from "../run/program.js";
import { cut } from "./cut.js";
import { randomFunction, randomInputs } from "./random-functions.test.support.js";
import { trace } from "./trace.js";

const execute = compiled({ threads: 1 });
const halves = {
  isFirst: (path: string) => path.startsWith("first"),
  isLate: (path: string) => path.startsWith("late"),
};

type Early = { readonly early: tf.Tensor[] };
type Inputs = Early & { readonly late: tf.Tensor[] };

/** A random function's results first; then their gradients to its inputs, from those that come late. */
const inHalves =
  (seed: number) =>
  ({ early, late }: Inputs) => {
    const { grads } = tf
      .engine()
      .gradients(
        () => tf.addN(randomFunction(seed)(early).map((made, at) => tf.sum(tf.mul(made, late[at])))),
        early,
        undefined,
        true,
      );
    return {
      first: [...randomFunction(seed)(early)],
      second: grads.map((grad, at) => grad ?? tf.zerosLike(early[at])),
    };
  };

describe("cut", () => {
  it.each(Array.from({ length: 24 }, (_, seed) => [seed]))(
    "computes in halves what the whole computes, nothing twice, random function %i",
    async (seed) => {
      const early = randomInputs(seed) as FloatTensor[];
      const fn = inHalves(seed);
      const shapes = execute.inTwo!.outputs(({ early }: Early) => [...randomFunction(seed)(early)], { early });
      const rng = createRng(`late ${seed}`);
      const late = (shapes as HostTensor[]).map(({ shape }) => uniform(rng, shape));
      const whole = await execute(fn, { early, late } as unknown as Hosted<Inputs>);
      const program = await execute.inTwo!.program(fn, { early, late });
      const wanted = await whole.run({ early, late } as unknown as Hosted<Inputs>);
      for (let times = 0; times < 2; times++) {
        expectClose(asTree(await program.first(early)), asTree(wanted.first), 1e-6);
        expectClose(asTree(await program.second(late)), asTree(wanted.second), 1e-6);
      }
      await whole.dispose();
      await program.dispose();

      const { graph, values } = trace(fn, { early, late } as unknown as Hosted<Inputs>);
      const { first, second, doors } = cut(graph, values!, halves);
      const names = new Set(first.nodes.map(({ outputs }) => outputs[0]));
      const twice = second.nodes
        .filter(({ outputs }) => names.has(outputs[0]))
        .map(({ op, outputs }) => [op, outputs[0]]);
      for (const [op, name] of twice) {
        const isFree = ["Reshape", "Squeeze", "Unsqueeze", "Identity", "Expand"].includes(op);
        expect(isFree || !["float32", "int32"].includes(values!.get(name)!.dtype), op).toBe(true);
      }
      for (const { dtype } of doors) expect(["float32", "int32"]).toContain(dtype);
    },
  );

  it("hands over what the second half needs alone, and computes truth values again", () => {
    const fn = ({ early, late }: { early: { x: tf.Tensor1D; w: tf.Tensor1D }; late: { g: tf.Tensor1D } }) => {
      const kept = tf.exp(early.x);
      const isLarge = tf.greater(kept, 2);
      return {
        first: { sum: tf.sum(tf.where(isLarge, tf.sin(kept), kept)) },
        second: { down: tf.where(isLarge, tf.mul(late.g, early.w), tf.zerosLike(late.g)) },
      };
    };
    const traced = trace(fn, { early: { x: spec([5]), w: spec([5]) }, late: { g: spec([5]) } });
    const { first, second, doors, early, late } = cut(traced.graph, traced.values!, halves);
    expect(doors.map(({ shape, dtype }) => [shape, dtype])).toEqual([[[5], "float32"]]);
    const ops = (graph: typeof first) => graph.nodes.map(({ op }) => op);
    expect(ops(first)).toEqual(expect.arrayContaining(["Exp", "Greater", "Sin"]));
    expect(ops(second)).toEqual(expect.arrayContaining(["Greater", "Mul"]));
    expect(ops(second)).not.toContain("Exp");
    expect(first.inputs.map(({ path }) => path)).toEqual(["early.x"]);
    expect(early.map(({ path }) => path)).toEqual(["early.x", "early.w"]);
    expect(late.map(({ path }) => path)).toEqual(["late.g"]);
  });

  it("gives a result away and keeps it for the second half all the same", async () => {
    const program = await execute.inTwo!.program(
      ({ early, late }: { early: tf.Tensor; late: tf.Tensor }) => {
        const both = tf.exp(early);
        return { first: both, second: tf.mul(both, late) };
      },
      { early: spec([2]), late: spec([2]) },
    );
    const first = await program.first(float32([2], Float32Array.of(0, 0)));
    first.data.fill(7);
    expect([...(await program.second(float32([2], Float32Array.of(2, 3)))).data]).toEqual([2, 3]);
    await program.dispose();
  });

  it("gives as a result of the second half what the first computed on the way, and uses it there besides", async () => {
    type Both = { early: tf.Tensor2D; late: tf.Tensor1D };
    const program = await execute.inTwo!.program(
      ({ early, late }: Both) => {
        const [a, b] = tf.split(tf.exp(early), 2, 0).map((half) => tf.reshape(half, [2]));
        const made = tf.sin(a);
        return { first: tf.sum(tf.mul(made, b)), second: [made, tf.mul(made, late), a, tf.mul(tf.square(b), late)] };
      },
      { early: spec([2, 2]), late: spec([2]) },
    );
    const e = Math.E;
    const wanted = [Math.sin(e), Math.sin(1), 2 * Math.sin(e), 3 * Math.sin(1), e, 1, 2 * e ** 4, 3];
    expect((await program.first(float32([2, 2], Float32Array.of(1, 0, 2, 0)))).data[0]).toBeCloseTo(
      Math.sin(e) * e ** 2 + Math.sin(1),
      4,
    );
    const made = (await program.second(float32([2], Float32Array.of(2, 3)))) as readonly HostTensor[];
    for (const [at, value] of made.flatMap(({ data }) => [...data]).entries()) expect(value).toBeCloseTo(wanted[at], 4);
    await program.dispose();
  });

  it("refuses a first half that waits for the second's inputs", async () => {
    const fn = ({ early, late }: { early: tf.Tensor; late: tf.Tensor }) => ({
      first: tf.add(early, late),
      second: tf.neg(late),
    });
    await expect(execute.inTwo!.program(fn, { early: spec([2]), late: spec([2]) })).rejects.toThrow(
      "what is computed first depends on late, which is not there yet",
    );
  });
});
