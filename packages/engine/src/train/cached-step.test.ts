import { createRng, type FloatTensor, float32, type LossReport, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { expectClose, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import type { Execute, InTwo } from "../run/runtime.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { adam } from "./adam.js";
import { createCachedStep } from "./cached-step.js";
import type { LossInParts } from "./loss-in-parts.js";
import { createTrainStep } from "./train-step.js";

type Params = { a: tf.Tensor2D; v: tf.Tensor2D; scale: tf.Scalar; idle: tf.Tensor1D };
type Batch = { x: tf.Tensor2D; y: tf.Tensor2D };
type Parts = { a: tf.Tensor2D; v: tf.Tensor2D; fit: tf.Scalar; y: tf.Tensor2D };

/** A contrast of all clips with all, a term of each clip alone, and a weight that is trained and multiplies both. */
const parts: LossInParts<Params, Batch, Parts> = {
  part: ({ a, v }, { x, y }) => {
    const [left, right] = [tf.tanh(tf.matMul(x, a)) as tf.Tensor2D, tf.tanh(tf.matMul(y, v)) as tf.Tensor2D];
    return { a: left, v: right, y, fit: tf.mean(tf.square(tf.sub(left, right))) as tf.Scalar };
  },
  whole: ({ scale }, { a, v, fit, y }): LossReport => {
    const scores = tf.mul(tf.matMul(a, v, false, true), 5);
    const contrast = tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(scores), tf.eye(a.shape[0])), 1))) as tf.Scalar;
    const level = tf.mul(tf.mean(tf.mul(y, y)), tf.mean(a)) as tf.Scalar;
    const both = tf.add(tf.mul(tf.exp(scale), contrast), tf.mul(tf.exp(tf.neg(scale)), tf.mul(fit, fit)));
    return { total: tf.add(both, level), terms: { contrast, fit, level } };
  },
};
const atOnce = (params: Params, batch: Batch): LossReport => parts.whole(params, parts.part(params, batch));

const start = () => {
  const rng = createRng(5);
  return {
    a: uniform(rng, [5, 7]),
    v: uniform(rng, [3, 7]),
    scale: float32([], Float32Array.of(0.3)),
    idle: uniform(rng, [2]),
  };
};
const rng = createRng(6);
const all = { x: uniform(rng, [11, 5]), y: uniform(rng, [11, 3]) };
const rows = ({ shape, data }: FloatTensor, from: number, to: number) =>
  float32([to - from, shape[1]], data.slice(from * shape[1], to * shape[1]));
const cut = (from: number, to: number) => ({ x: rows(all.x, from, to), y: rows(all.y, from, to) });
/** Of three sizes, so that shares differ. */
const pieces = [cut(0, 4), cut(4, 8), cut(8, 11)];
const options = { clips: (batch: { x: { shape: readonly number[] } }) => batch.x.shape[0], clipNorm: 0.5 };

const runtime = await runtimeForTests();
const ways: readonly (readonly [string, Execute])[] = [
  ["compiled", compiled({ threads: 1 })],
  ["eager", eager("cpu")],
  ...(runtime === undefined ? [] : [["with its state on a WebGPU device", runtime.execute] as const]),
];

describe.each(ways)("createCachedStep, %s", (_, execute) => {
  it("takes the step of one large batch, to float tolerance, three times over", async () => {
    // A large epsilon keeps Adam from dividing small gradients' rounding away.
    const one = createTrainStep(execute, atOnce, adam({ epsilon: 1 }), options);
    const many = createCachedStep(execute, parts, adam({ epsilon: 1 }), options);
    const apart = createTrainStep(execute, atOnce, adam({ epsilon: 1 }), options);
    const [a, b, c] = [one.init(start()), many.init(start()), apart.init(start())];
    for (let step = 0; step < 3; step++) {
      const single = await one.step(a, all, 0.3);
      const cached = await many.accumulate(b, pieces, 0.3);
      const plain = await apart.accumulate(c, pieces, 0.3);
      for (const name of ["contrast", "fit", "level"]) expect(cached.terms[name]).toBeCloseTo(single.terms[name], 5);
      expect(cached.total).toBeCloseTo(single.total, 5);
      expect(cached.gradientNorm).toBeCloseTo(single.gradientNorm!, 5);
      // Accumulated plainly, each batch is contrasted with itself alone.
      expect(Math.abs(plain.terms.contrast - single.terms.contrast)).toBeGreaterThan(0.3);
    }
    await one.collect(a);
    await many.collect(b);
    expectClose(b.params, a.params, 2e-6);
    for (const [path, { data }] of treeLeaves<FloatTensor>(b.params)) {
      const before = new Map(treeLeaves<FloatTensor>(start())).get(path)!.data;
      expect([...data].join() === [...before].join(), path).toBe(path === "idle");
    }
    expect(many.withoutGradient()).toEqual(["idle"]);
    for (const train of [one, many, apart]) await train.dispose();
  });

  it("leaves no tensor behind", async () => {
    const train = createCachedStep(execute, parts, adam(), options);
    const state = train.init(start());
    await train.accumulate(state, pieces, 0.1);
    const before = tf.memory().numTensors;
    for (let step = 0; step < 5; step++) await train.accumulate(state, pieces, 0.1);
    expect(tf.memory().numTensors).toBe(before);
    await train.dispose();
  });

  it("stops before updating when the loss is not finite, and says which parts do not fit", async () => {
    const train = createCachedStep(execute, parts, adam(), options);
    const state = train.init(start());
    const bad = cut(0, 4);
    bad.y.data[1] = Number.NaN;
    await expect(train.accumulate(state, [pieces[1], bad], 0.1)).rejects.toThrow("train step 1: the loss is NaN");
    await train.collect(state);
    expect([...state.params.a.data]).toEqual([...start().a.data]);
    // What could not be added up does not stay in the sums.
    expect((await train.accumulate(state, pieces, 0.1)).step).toBe(1);
    await expect(train.accumulate(state, [], 0.1)).rejects.toThrow("there are no batches to accumulate");
    await train.dispose();
    const ragged = createCachedStep(
      execute,
      { part: (_: Params, { x }: Batch) => ({ x }), whole: parts.whole as never },
      adam(),
    );
    const other = { x: uniform(rng, [2, 4]), y: all.y };
    await expect(ragged.accumulate(ragged.init(start()), [all, other], 0.1)).rejects.toThrow(
      "accumulated batches: x is [2, 4] in one batch and [11, 5] in another. Give batches alike",
    );
    await ragged.dispose();
  });
});

it("runs one batch forward once, and gives what a plain step of it gives", async () => {
  const execute = compiled({ threads: 1 });
  let halves = 0;
  const counted = (given: Execute): Execute =>
    Object.assign((async (fn, inputs) => given(fn, inputs)) as Execute, {
      inTwo: {
        outputs: given.inTwo!.outputs,
        program: async (...inputs: Parameters<InTwo["program"]>) => {
          const program = await given.inTwo!.program(...inputs);
          const first: typeof program.first = async (...early) => {
            halves += 1;
            return program.first(...early);
          };
          return { ...program, first };
        },
      } as InTwo,
    });
  const plain = createTrainStep(execute, atOnce, adam({ epsilon: 1 }), options);
  const wanted = plain.init(start());
  const reports = [];
  for (const batch of [all, pieces[2], all]) reports.push(await plain.step(wanted, batch, 0.3));
  // On a thread of its own, where there is one, and on the caller's.
  for (const where of [execute.apart ?? execute, execute]) {
    halves = 0;
    const once = createCachedStep(counted(where), parts, adam({ epsilon: 1 }), options);
    const state = once.init(start());
    for (const [at, batch] of [all, pieces[2], all].entries()) {
      const { total, gradientNorm } = await once.step(state, batch, 0.3);
      expect(Math.abs(total / reports[at].total - 1)).toBeLessThan(2e-7);
      expect(Math.abs(gradientNorm / reports[at].gradientNorm - 1)).toBeLessThan(1e-6);
    }
    expectClose(state.params, wanted.params, 5e-7);
    expect([halves, once.withoutGradient()]).toEqual([3, ["idle"]]);
    await once.dispose();
  }
  await plain.dispose();
});

it("asked to stop in the first of three batches computes no other", async () => {
  const controller = new AbortController();
  let runs = 0;
  const stopping: Execute = async (fn, inputs) => {
    const program = await eager("cpu")(fn, inputs);
    const run: typeof program.run = async (...given) => {
      runs += 1;
      const made = await program.run(...given);
      controller.abort();
      return made;
    };
    return { ...program, run };
  };
  const train = createCachedStep(stopping, parts, adam(), { ...options, signal: controller.signal });
  const state = train.init(start());
  await expect(train.accumulate(state, pieces, 0.1)).rejects.toThrow("nothing was changed");
  expect([runs, state.step]).toEqual([1, 0]);
  await train.dispose();
});
