import { type FloatTensor, float32, type LossReport } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { eager } from "../run/eager.js";
import type { Execute } from "../run/runtime.js";
import { adam, adamW } from "./adam.js";
import { createTrainStep } from "./train-step.js";
import type { TrainStepOptions } from "./update.js";

type Params = { readonly w: tf.Tensor2D };
type Batch = { readonly x: tf.Tensor2D };

const ways: readonly (readonly [string, () => Execute])[] = [
  ["compiled", () => compiled({ threads: 1 })],
  ["eager", () => eager("cpu")],
];
const good = ({ w }: Params, { x }: Batch): LossReport => {
  const total: tf.Scalar = tf.mean(tf.square(tf.matMul(x, w)));
  return { total, terms: { total } };
};
const start = () => ({ w: float32([2, 1], Float32Array.of(1, 2)) });
const batch = { x: float32([3, 2], Float32Array.of(1, 0, 0, 1, 1, 1)) };

describe.each(ways)("what a step is given, %s", (_, engine) => {
  const setUp = (loss: unknown = good, options: TrainStepOptions<Batch> = {}) =>
    createTrainStep(engine(), loss as typeof good, adam(), options);

  it.each([
    [undefined, "the learning rate is undefined. Give every step its rate"],
    [Number.NaN, "the learning rate is NaN"],
    [-0.1, "the learning rate is -0.1"],
    ["0.1", 'the learning rate is "0.1"'],
    [() => 0.1, "the learning rate is a function. Give what the schedule says at this step: schedule(step)"],
  ])("a rate of %s is refused, and the weights stay", async (rate, message) => {
    const train = setUp();
    const state = train.init(start());
    await expect(train.step(state, batch, rate as number)).rejects.toThrow(message);
    await train.collect(state);
    expect([...state.params.w.data, state.step]).toEqual([1, 2, 0]);
  });

  it("a step before the last has ended is refused: in turn they come to other weights", async () => {
    const train = setUp();
    const state = train.init(start());
    const both = [train.step(state, batch, 0.1), train.step(state, batch, 0.1)];
    await expect(both[1]).rejects.toThrow(
      "train step 1: another step of this training is still under way. Wait for each",
    );
    await both[0];
    expect(state.step).toBe(1);
    await train.step(state, batch, 0.1);
    expect(state.step).toBe(2);
    await train.dispose();
  });

  it("nothing is computed or read after dispose, which may be called twice", async () => {
    const train = setUp();
    const state = train.init(start());
    await train.step(state, batch, 0.1);
    await train.collect(state);
    const before = [...state.params.w.data];
    await train.dispose();
    await train.dispose();
    await expect(train.step(state, batch, 0.1)).rejects.toThrow(
      "train step 2: this training was disposed of. Call dispose after the last step and after collect, or make a new one",
    );
    await expect(train.collect(state)).rejects.toThrow("train.collect: this training was disposed of");
    await expect(train.current(state)).rejects.toThrow("train.current: this training was disposed of");
    expect([...state.params.w.data, state.step]).toEqual([...before, 1]);
  });

  it.each<[string, (params: Params, batch: Batch) => unknown, string]>([
    ["a scalar", (p, b) => good(p, b).total, "the loss gives no tensor as its total. Return { total, terms }"],
    ["no terms", (p, b) => ({ total: good(p, b).total }), "the loss gives no terms"],
    ["a promise", async (p, b) => good(p, b), "the loss gives a promise"],
    [
      "a number for each clip",
      ({ w }, { x }) => ({ total: tf.matMul(x, w), terms: {} }),
      "the loss has a total of shape [3, 1], not one number. Take its mean or its sum",
    ],
    [
      "a term that is no scalar",
      ({ w }, { x }) => ({ ...good({ w }, { x }), terms: { predicted: tf.matMul(x, w) } }),
      "the loss has a term predicted that has shape [3, 1], not one number",
    ],
    [
      "nothing of the parameters",
      (_, { x }) => ({ total: tf.mean(x), terms: {} }),
      "the loss depends on none of the parameters, so that nothing would be learned",
    ],
  ])("a loss that gives %s is refused", async (_, loss, message) => {
    const train = setUp(loss);
    await expect(train.step(train.init(start()), batch, 0.1)).rejects.toThrow(message);
  });

  it("a total of one number is one, whatever its shape", async () => {
    const train = setUp((p: Params, b: Batch) => ({ total: tf.reshape(good(p, b).total, [1, 1]), terms: { four: 4 } }));
    const { total, terms } = await train.step(train.init(start()), batch, 0.1);
    expect(total).toBeCloseTo((1 + 4 + 9) / 3, 6);
    expect(terms).toEqual({ four: 4 });
    await train.dispose();
  });

  it("parameters and batches of tfjs, and plain lists, are refused by name", async () => {
    const train = setUp();
    const init = (w: unknown) => train.init({ w: w as FloatTensor });
    expect(() => init(tf.tensor2d([[1], [2]]))).toThrow(
      "train.init: w is a tensor of tfjs, not one in ordinary memory. Make it with float32(shape, await tensor.data())",
    );
    expect(() => init(Float32Array.of(1, 2))).toThrow("w is Float32Array, not a tensor, record or list");
    expect(() => init({ ...start().w, data: [1, 2] })).toThrow("w holds its numbers in Array, not Float32Array");
    await expect(train.step(train.init(start()), { x: tf.ones([3, 2]) } as never, 0.1)).rejects.toThrow(
      "x is a tensor of tfjs, not one in ordinary memory",
    );
    await train.dispose();
  });

  it("gradients cannot be clipped to no length or less", () => {
    expect(() => setUp(good, { clipNorm: -1 })).toThrow("clipNorm is -1. Give a number above 0, or none");
    expect(() => setUp(good, { clipNorm: 0 })).toThrow("clipNorm is 0");
    const misspelt = { clipnorm: 1 } as TrainStepOptions<Batch>;
    expect(() => setUp(good, misspelt)).toThrow("there is no option clipnorm. Its options are clipNorm, signal, clips");
  });
});

describe("what a training is made of", () => {
  it("an engine or an optimizer that was not called is refused", async () => {
    expect(() => createTrainStep(compiled(), good, adam as never)).toThrow("the optimizer is none. Call it: adam()");
    const train = createTrainStep(compiled as never, good, adam());
    await expect(train.step(train.init(start()), batch, 0.1)).rejects.toThrow(
      "makes no programs. Call it first: compiled()",
    );
  });

  it("options that Adam would not read are refused", () => {
    const refuse = (options: object, message: string) => expect(() => adam(options)).toThrow(message);
    refuse(
      { lr: 1e-3 },
      "adam: the option lr is not known, or cannot be 0.001. Give two betas below 1, epsilon, weightDecay",
    );
    refuse({ weight_decay: 0.1 }, "the option weight_decay is not known");
    refuse({ betas: [1.5, 0.9] }, "the option betas is not known, or cannot be [1.5,0.9]");
    refuse({ epsilon: "1e-8" }, 'or cannot be "1e-8"');
    refuse({ groups: [{ paths: "bias", weightDecay: 0 }] }, "groups of a RegExp each; the rate comes with each step");
    expect(adam({ betas: undefined, weightDecay: 0.1 }).name).toBe("adam");
  });

  it("a group of no parameter is refused, with names to choose from", () => {
    const params = Object.fromEntries("abcdefg".split("").map((name) => [`${name}.weight`, float32([1])]));
    const groups = [{ paths: /weight$/ }, { paths: /^a\.bias$/, weightDecay: 0 }];
    expect(() => adamW<Record<string, FloatTensor>>({ groups }).init(params)).toThrow(
      "adamW: the group /^a\\.bias$/ matches none of the 7 parameters. Match their names, such as a.weight, b.weight, c.weight, d.weight, e.weight",
    );
    // One that an earlier group leaves nothing for matches all the same.
    expect(
      adamW<Record<string, FloatTensor>>({ groups: [...groups.slice(0, 1), { paths: /^a/ }] }).init(params).updates,
    ).toBe(0);
  });

  it("a group whose expression has the flag g matches every time, not every other", () => {
    const optimizer = adamW<Record<string, FloatTensor>>({ groups: [{ paths: /w/g, rate: 0 }] });
    const [params, ones] = [
      { w1: float32([1]), w2: float32([1]) },
      { w1: float32([1]), w2: float32([1]) },
    ];
    for (const { data } of Object.values(ones)) data.fill(1);
    optimizer.update(optimizer.init(params), params, ones, 0.1);
    expect([...params.w1.data, ...params.w2.data]).toEqual([0, 0]);
  });
});
