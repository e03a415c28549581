import { type FloatTensor, float32, type LossReport, type Tree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { expectClose } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import type { HostedParams } from "../run/program.js";
import { type Execute, type Placed, readTree } from "../run/runtime.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { adam } from "./adam.js";
import { createTrainStep } from "./train-step.js";

type Params = { w: tf.Tensor2D; b: tf.Tensor1D; idle: tf.Tensor1D };
type Weights = Tree<FloatTensor>;
type Batch = { x: tf.Tensor2D; y: tf.Tensor2D };

const loss = (params: Params, { x, y }: Batch): LossReport => {
  const fit = tf.mean(tf.squaredDifference(tf.add(tf.matMul(x, params.w, false, true), params.b), y)) as tf.Scalar;
  const small = tf.mean(tf.square(params.w)) as tf.Scalar;
  return { total: tf.add(fit, tf.mul(small, 0.01)), terms: { fit, small } };
};

const wave = (shape: readonly number[], seed: number) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898 + seed)),
  );
const start = () => ({ w: wave([3, 5], 1), b: float32([3]), idle: float32([2]) });
const batchOf = (clips: number, seed: number) => ({ x: wave([clips, 5], seed), y: wave([clips, 3], seed + 0.5) });

const runtime = await runtimeForTests();
const ways: readonly (readonly [string, Execute])[] = [
  ["compiled", compiled({ threads: 1 })],
  ["eager", eager("cpu")],
  ...(runtime === undefined ? [] : [["with its state on a WebGPU device", runtime.execute] as const]),
];

describe.each(ways)("createTrainStep, %s", (_, execute) => {
  it("leaves parameters that the loss does not depend on as they are, weight decay or not", async () => {
    const train = createTrainStep(execute, loss, adam({ weightDecay: 0.1 }));
    const idle = wave([2], 3);
    const state = train.init({ ...start(), idle: float32([2], idle.data.slice()) });
    for (let i = 0; i < 3; i++) await train.step(state, batchOf(7, 2), 0.05);
    await train.collect(state);
    expect((state.params as { idle: unknown }).idle).toEqual(idle);
    await train.dispose();
  });

  it("takes an optimizer that has no traced update, and keeps its state in memory", async () => {
    const { traced: _, ...own } = adam<ReturnType<typeof start>>();
    const [plain, usual] = [createTrainStep(execute, loss, own), createTrainStep(execute, loss, adam())];
    const [state, wanted] = [plain.init(start()), usual.init(start())];
    for (let i = 0; i < 3; i++) await plain.step(state, batchOf(7, 2), 0.05);
    for (let i = 0; i < 3; i++) await usual.step(wanted, batchOf(7, 2), 0.05);
    await usual.collect(wanted);
    for (const [at, value] of state.params.w.data.entries()) expect(value).toBeCloseTo(wanted.params.w.data[at], 5);
    await Promise.all([plain.dispose(), usual.dispose()]);
  });

  it("makes the loss fall, counts steps and names idle parameters", async () => {
    const train = createTrainStep(execute, loss, adam());
    const state = train.init(start());
    const batch = batchOf(7, 2);
    const first = await train.step(state, batch, 0.05);
    let last = first;
    for (let i = 0; i < 30; i++) last = await train.step(state, batch, 0.05);
    expect(last.total).toBeLessThan(first.total / 3);
    expect(last.step).toBe(31);
    expect(state.step).toBe(31);
    expect(first.total).toBeCloseTo(first.terms.fit + 0.01 * first.terms.small, 6);
    expect(train.withoutGradient()).toEqual(["idle"]);
    await train.collect(state);
    expect([...state.params.idle.data]).toEqual([0, 0]);
    await train.dispose();
  });

  it("accumulates batches of different sizes to the mean over all clips", async () => {
    const options = { clips: (batch: { x: { shape: readonly number[] } }) => batch.x.shape[0] };
    const whole = batchOf(8, 3);
    const rows = (from: number, to: number) => ({
      x: float32([to - from, 5], whole.x.data.slice(from * 5, to * 5) as Float32Array),
      y: float32([to - from, 3], whole.y.data.slice(from * 3, to * 3) as Float32Array),
    });
    // A large epsilon keeps Adam from dividing small gradients' rounding away.
    const [one, many] = [0, 1].map(() => createTrainStep(execute, loss, adam({ epsilon: 1 }), options));
    const [a, b] = [one.init(start()), many.init(start())];
    const single = await one.step(a, whole, 0.1);
    const several = await many.accumulate(b, [rows(0, 3), rows(3, 7), rows(7, 8)], 0.1);
    expect(several.total).toBeCloseTo(single.total, 6);
    expect(several.terms.fit).toBeCloseTo(single.terms.fit, 6);
    await one.collect(a);
    await many.collect(b);
    for (const [i, value] of a.params.w.data.entries()) expect(b.params.w.data[i]).toBeCloseTo(value, 6);
    await one.dispose();
    await many.dispose();
  });

  it("clips to the global norm", async () => {
    const train = createTrainStep(execute, loss, adam({ epsilon: 1e3 }), { clipNorm: 0.01 });
    const free = createTrainStep(execute, loss, adam({ epsilon: 1e3 }));
    const [a, b] = [train.init(start()), free.init(start())];
    const report = await train.step(a, batchOf(5, 1), 1);
    await free.step(b, batchOf(5, 1), 1);
    await train.collect(a);
    await free.collect(b);
    const moved = (state: typeof a) => state.params.w.data[4] - start().w.data[4];
    expect(report.gradientNorm).toBeGreaterThan(0.1);
    expect(moved(a) / moved(b)).toBeCloseTo(0.01 / report.gradientNorm, 3);
    await train.dispose();
    await free.dispose();
  });

  it("stops before updating when the loss is not finite", async () => {
    const train = createTrainStep(execute, loss, adam());
    const state = train.init(start());
    const bad = batchOf(5, 1);
    bad.x.data[3] = Number.NaN;
    await expect(train.step(state, bad, 0.1)).rejects.toThrow(
      "train step 1: the loss is NaN. Lower the learning rate, clip gradients, look for NaN",
    );
    await train.collect(state);
    expect([...state.params.w.data]).toEqual([...start().w.data]);
    expect(state.step).toBe(0);
    // Among accumulated batches too; what could not be added up does not stay in the sums.
    await expect(train.accumulate(state, [batchOf(5, 2), bad], 0.1)).rejects.toThrow("train step 1: the loss is NaN");
    expect((await train.accumulate(state, [batchOf(5, 2), batchOf(5, 3)], 0.1)).step).toBe(1);
    await train.dispose();
  });

  it("has a teacher follow the parameters, seen by the loss and without a gradient", async () => {
    type Taught = Batch & { readonly teacher?: { readonly w: tf.Tensor2D } };
    const taught = (params: Params, batch: Batch): LossReport => {
      const { teacher } = batch as Taught;
      const apart = tf.mean(tf.squaredDifference(tf.mul(params.w, 2), teacher!.w)) as tf.Scalar;
      return { total: tf.add(loss(params, batch).total, apart), terms: { apart } };
    };
    const teacher = { w: wave([3, 5], 9) };
    const follower = { name: "teacher", tree: teacher, of: "", momentum: 0.9 };
    const train = createTrainStep(execute, taught, adam(), { follower });
    const state = train.init(start());
    const expected = wave([3, 5], 9).data;
    for (const batches of [[batchOf(5, 2)], [batchOf(5, 2), batchOf(4, 3)]]) {
      const { params } = state;
      await train.collect(state);
      const before = teacher.w.data.slice();
      const { terms } = await train.accumulate(state, batches, 0.05);
      await train.collect(state);
      const w = params.w.data;
      for (const [i, value] of w.entries()) {
        expected[i] = 0.9 * before[i] + 0.1 * value;
        expect(teacher.w.data[i]).toBeCloseTo(expected[i], 6);
      }
      expect(terms.apart).toBeGreaterThan(0);
    }
    const { params, follower: following } = await train.current(state);
    const current = await readTree(params);
    expect([...(await readTree(following as Placed<typeof teacher>)).w.data]).toEqual([...teacher.w.data]);
    expect([...current.w.data]).toEqual([...state.params.w.data]);
    await train.dispose();
  });

  it("stops before updating when a gradient is not finite though the loss is, clipped or not", async () => {
    // d/dw √(Σ w²) at w = 0 is 0 / 0.
    const length = (params: Params): LossReport => {
      const total = tf.sqrt(tf.sum(tf.square(params.w))) as tf.Scalar;
      return { total, terms: { length: total } };
    };
    for (const clipNorm of [undefined, 1]) {
      const train = createTrainStep(execute, length, adam(), { clipNorm });
      const state = train.init({ ...start(), w: float32([3, 5]) });
      await expect(train.step(state, batchOf(5, 1), 0.1)).rejects.toThrow("train step 1: the gradient norm is NaN.");
      await train.collect(state);
      expect([...state.params.w.data]).toEqual(Array(15).fill(0));
      expect([state.step, state.optimizer.updates]).toEqual([0, 0]);
      await train.dispose();
    }
  });

  it("asked to stop while a step is under way changes nothing", async () => {
    const controller = new AbortController();
    const train = createTrainStep(execute, loss, adam(), { signal: controller.signal });
    const state = train.init(start());
    const pending = train.step(state, batchOf(5, 1), 0.1);
    controller.abort();
    await expect(pending).rejects.toThrow("it was asked to stop before the step was taken; nothing was changed");
    await train.collect(state);
    expect([...state.params.w.data]).toEqual([...start().w.data]);
    await train.dispose();
  });

  it.each([3, 1])("asked to stop in the first of %i batches computes no other", async (count) => {
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
    const train = createTrainStep(stopping, loss, adam(), { signal: controller.signal });
    const state = train.init(start());
    const batches = Array.from({ length: count }, () => batchOf(5, 1));
    await expect(train.accumulate(state, batches, 0.1)).rejects.toThrow("nothing was changed");
    expect(runs).toBe(1);
    expect(state.step).toBe(0);
    await train.dispose();
  });
});

it("goes on where another runtime stopped: cpu, device, plain tfjs and cpu again", async () => {
  const others = [runtime?.execute ?? eager("cpu"), eager("cpu"), compiled({ threads: 1 })];
  const teacher = () => ({ w: wave([3, 5], 9) });
  const run = async (executes: readonly Execute[]) => {
    const optimizer = adam<HostedParams<Params>>({ weightDecay: 0.01 });
    const tree = teacher();
    let saved = { params: start(), slots: {} as Readonly<Record<string, unknown>>, counters: { updates: 0 }, step: 0 };
    const totals: number[] = [];
    for (const execute of executes) {
      const options = { clipNorm: 0.5, follower: { name: "teacher", tree, of: "", momentum: 0.9 } };
      const train = createTrainStep(execute, loss, optimizer, options);
      const state = train.init(saved.params);
      const slots = optimizer.slots(state.optimizer);
      for (const [name, arrays] of Object.entries(saved.slots)) {
        const from = new Map(treeLeaves(arrays as Weights));
        for (const [path, { data }] of treeLeaves(slots[name] as Weights)) data.set(from.get(path)!.data);
      }
      optimizer.restore(state.optimizer, saved.counters);
      state.step = saved.step;
      for (let i = 0; i < 2; i++) totals.push((await train.step(state, batchOf(7, totals.length), 0.05)).total);
      totals.push((await train.accumulate(state, [batchOf(7, 1), batchOf(7, 2)], 0.05)).total);
      await train.collect(state);
      const counters = optimizer.counters(state.optimizer) as { updates: number };
      saved = { params: state.params, slots: optimizer.slots(state.optimizer), counters, step: state.step };
      await train.dispose();
    }
    return { totals, ...saved, tree };
  };
  const [there, here] = [
    await run([compiled({ threads: 1 }), ...others]),
    await run(Array(4).fill(compiled({ threads: 1 }))),
  ];
  expect(there.step).toBe(12);
  expect(there.counters).toEqual(here.counters);
  const arrays = ({ params, tree, slots }: typeof here) => ({ params, tree, slots }) as unknown as Weights;
  expectClose(arrays(there), arrays(here), 1e-5);
  for (const [step, total] of there.totals.entries()) expect(total).toBeCloseTo(here.totals[step], 5);
});
