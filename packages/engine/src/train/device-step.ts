import "../backend/register.js";
import {
  type FloatTensor,
  float32,
  type HostTensor,
  KdcError,
  mapTree,
  type Shaped,
  type Tree,
  treeLeaves,
} from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import { shapesOf } from "../run/runner.js";
import type { DeviceProgram, DeviceTensor, Placed, Runtime } from "../run/runtime.js";
import { type Loss, valueAndGradients } from "./gradient.js";
import type { Optimizer, TracedUpdate } from "./optimizer.js";
import type { TrainStep, TrainStepOptions } from "./update.js";
import { expectBatches, expectFinite, expectGoing, type StepReport, type TrainState } from "./update.js";

type Named = Readonly<Record<string, tf.Tensor>>;
type Slots = Readonly<Record<string, Named>>;
/** Trees are flat here: tensors by dotted path, without dots in the keys. */
type OnCard = {
  readonly params: Record<string, DeviceTensor>;
  readonly slots: Record<string, Record<string, DeviceTensor>>;
};

const keyOf = (path: string): string => path.replaceAll(".", "/");
const flat = <Leaf extends HostTensor | tf.Tensor>(tree: Tree<Leaf>): Record<string, Leaf> =>
  Object.fromEntries(treeLeaves(tree).map(([path, leaf]) => [keyOf(path), leaf]));

type Made = { readonly params: Named; readonly slots: Slots; readonly norm: tf.Scalar };

/** √Σ g², all gradients as one vector. */
const lengthOf = (gradients: readonly tf.Tensor[]): tf.Scalar =>
  tf.sqrt(tf.sum(tf.concat(gradients.map((gradient) => tf.reshape(tf.sum(tf.square(gradient)), [1]))))) as tf.Scalar;

/** Clips and updates every parameter that has a gradient, or leaves all as they are where something is not finite. */
const updateAll = (
  apply: TracedUpdate<never>["apply"],
  {
    params,
    slots,
    gradients,
    numbers,
    total,
  }: {
    readonly params: Named;
    readonly slots: Slots;
    readonly gradients: Named;
    readonly numbers: tf.Tensor1D;
    readonly total: tf.Tensor;
  },
  untouched: ReadonlySet<string>,
  clipNorm: number | undefined,
): Made => {
  const touched = Object.keys(params).filter((key) => !untouched.has(key));
  const norm = lengthOf(touched.map((key) => gradients[key]));
  const sound = tf.logicalAnd(tf.isFinite(total), tf.isFinite(norm));
  const clip = clipNorm === undefined ? tf.onesLike(norm) : tf.minimum(1, tf.div(clipNorm, tf.add(norm, 1e-6)));
  // Made of the norm, which needs all gradients: so no update is computed before, and each in one kernel.
  const scale = tf.where(sound, clip, tf.zerosLike(norm));
  const number = (index: number): tf.Tensor => tf.reshape(tf.slice(numbers, [index], [1]), []);
  const names = Object.keys(slots);
  const results = touched.map((key) => {
    const own = Object.fromEntries(names.map((name) => [name, slots[name][key]]));
    const gradient = tf.mul(gradients[key], scale);
    const made = apply(key.replaceAll("/", "."), { value: params[key], gradient, slots: own }, number);
    const kept = (next: tf.Tensor, before: tf.Tensor) => tf.where(sound, next, before);
    return {
      key,
      value: kept(made.value, params[key]),
      slots: Object.fromEntries(names.map((name) => [name, kept(made.slots[name], own[name])])),
    };
  });
  return {
    params: Object.fromEntries(results.map(({ key, value }) => [key, value])),
    slots: Object.fromEntries(
      names.map((name) => [name, Object.fromEntries(results.map((one) => [one.key, one.slots[name]]))]),
    ),
    norm,
  };
};

type Inputs<Fn> = Fn extends (inputs: infer I) => unknown ? I : never;

const stateStays = (path: string): boolean => /^(params|slots|sums)\./.test(path);

/**
 * Training steps whose parameters and optimizer state stay on a runtime's device: one program per step, and only the
 * report comes back. The arrays of the state are a copy in ordinary memory, which `collect` brings up to date.
 *
 * @throws KdcError as `createTrainStep`, and for an optimizer that has no traced update
 */
export function createDeviceStep<Params, Batch, OptimizerState>(
  runtime: Pick<Runtime, "name" | "compile" | "place">,
  loss: Loss<Params, Batch>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clips = () => 1, clipNorm, signal } = options;
  const { traced } = optimizer;
  if (traced === undefined) {
    throw new KdcError({
      where: "createTrainStep",
      what: `the optimizer ${optimizer.name} cannot run on ${runtime.name}: it has no traced update`,
      remedy: "Give it one (`traced`), use adam or adamW, or train on the cpu",
      reason: "optimizer",
    });
  }
  type State = TrainState<Params, OptimizerState>;
  let missing: readonly string[] = [];
  let like: Tree<Shaped>;
  const untouched = (): Set<string> => new Set(missing.map(keyOf));
  const gradientsOf = ({ params, batch }: { readonly params: Named; readonly batch: Batch }) => {
    const tree = mapTree(like, (_: Shaped, path) => params[keyOf(path)]) as Params;
    const gradient = valueAndGradients<Params, Batch>(loss, (paths) => {
      missing = paths;
    });
    const { total, terms, gradients } = gradient({ params: tree, batch });
    return { total, terms, gradients: flat(asTree<tf.Tensor>(gradients)) };
  };
  const whole = (inputs: { params: Named; slots: Slots; batch: Batch; numbers: tf.Tensor1D }) => {
    const { total, terms, gradients } = gradientsOf(inputs);
    const { norm, ...state } = updateAll(traced.apply, { ...inputs, gradients, total }, untouched(), clipNorm);
    return { ...state, report: { total, terms, norm } };
  };
  const part = ({ sums, weight, ...inputs }: { params: Named; batch: Batch; sums: Named; weight: tf.Scalar }) => {
    const { total, terms, gradients } = gradientsOf(inputs);
    const added = Object.keys(sums).map((key) => [key, tf.add(sums[key], tf.mul(gradients[key], weight))]);
    return { sums: Object.fromEntries(added) as Named, report: { total, terms } };
  };
  const last = (inputs: { params: Named; slots: Slots; sums: Named; numbers: tf.Tensor1D; total: tf.Scalar }) => {
    const { norm, ...state } = updateAll(traced.apply, { ...inputs, gradients: inputs.sums }, untouched(), clipNorm);
    const zeros = Object.fromEntries(Object.entries(inputs.sums).map(([key, sum]) => [key, tf.mul(sum, 0)]));
    return { ...state, sums: zeros as Named, report: { norm } };
  };

  /** Programs of one function, made as batches of other shapes come. */
  const programsOf = <I, O>(fn: (inputs: I) => O) => {
    const made = new Map<string, Promise<DeviceProgram<I, O>>>();
    return {
      of: (example: Placed<I>, batch: unknown): Promise<DeviceProgram<I, O>> => {
        const key = shapesOf(batch);
        const program = made.get(key) ?? runtime.compile(fn, example, { keep: stateStays });
        made.set(key, program);
        return program;
      },
      dispose: async (): Promise<void> => {
        for (const program of made.values()) await (await program).dispose();
        made.clear();
      },
    };
  };
  const programs = { whole: programsOf(whole), part: programsOf(part), last: programsOf(last) };

  let card: OnCard | undefined;
  let sums: Record<string, DeviceTensor> | undefined;
  /** The step under way: collecting waits for it. */
  let running: Promise<unknown> = Promise.resolve();
  const release = (): void => {
    for (const tree of [card, sums])
      if (tree !== undefined) for (const [, leaf] of treeLeaves<DeviceTensor>(tree)) leaf.dispose();
    [card, sums] = [undefined, undefined];
  };
  const onCard = async (state: State): Promise<OnCard> => {
    if (card !== undefined) return card;
    like = mapTree(asTree<HostTensor>(state.params), ({ shape, dtype }: HostTensor) => ({ shape, dtype }));
    const slots = Object.entries(optimizer.slots(state.optimizer)).map(([name, tree]) => [name, flat(tree)] as const);
    const placed: OnCard = await runtime.place({
      params: flat(asTree<HostTensor>(state.params)),
      slots: Object.fromEntries(slots),
    });
    card = placed;
    return placed;
  };
  /** What a program gave takes the place of what it was given. */
  const adopt = (made: Partial<OnCard> & { sums?: typeof sums }): void => {
    const held = card as OnCard;
    Object.assign(held.params, made.params);
    for (const [name, tree] of Object.entries(made.slots ?? {})) Object.assign(held.slots[name], tree);
    if (made.sums !== undefined) sums = made.sums;
  };
  const scalarOf = (value: number): FloatTensor => float32([], Float32Array.of(value));
  const numbersFor = (state: State, rate: number): FloatTensor => {
    const numbers = traced.numbers(state.optimizer, rate);
    return float32([numbers.length], Float32Array.from(numbers));
  };
  const readReport = async (report: Tree<DeviceTensor>): Promise<Record<string, number>> => {
    const reads = treeLeaves<DeviceTensor>(report).map(
      async ([path, leaf]) => [path, (await leaf.read()).data[0]] as const,
    );
    return Object.fromEntries(await Promise.all(reads));
  };
  const termsOf = (values: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      Object.entries(values).flatMap(([path, value]) => (path.startsWith("terms.") ? [[path.slice(6), value]] : [])),
    );

  const one = async (state: State, batch: Hosted<Batch>, rate: number): Promise<Omit<StepReport, "step">> => {
    const { params, slots } = await onCard(state);
    const shapes = { params, slots, batch, numbers: numbersFor({ ...state, optimizer: { ...state.optimizer } }, rate) };
    const ready = await programs.whole.of(shapes as Placed<Inputs<typeof whole>>, batch);
    // Once it is launched it is done.
    expectGoing(signal, state.step + 1);
    const inputs = { ...shapes, numbers: numbersFor(state, rate) };
    const made = await ready.launch(inputs as Placed<Inputs<typeof whole>>);
    const report = readReport(made.report);
    adopt(made);
    const { total, norm, ...rest } = await report;
    return { total, gradientNorm: norm, terms: termsOf(rest) };
  };
  const several = async (
    state: State,
    batches: readonly Hosted<Batch>[],
    rate: number,
  ): Promise<Omit<StepReport, "step">> => {
    const { params, slots } = await onCard(state);
    sums ??= await runtime.place(mapTree(params, ({ shape }: DeviceTensor) => float32(shape)));
    const weights = batches.map(clips);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const means: Record<string, number> = {};
    for (const [index, batch] of batches.entries()) {
      const weight = weights[index] / all;
      const inputs = { params, batch, sums, weight: scalarOf(weight) } as Placed<Inputs<typeof part>>;
      const made = await (await programs.part.of(inputs, batch)).launch(inputs);
      const report = readReport(made.report);
      adopt({ sums: made.sums });
      for (const [path, value] of Object.entries(await report)) means[path] = (means[path] ?? 0) + value * weight;
    }
    expectGoing(signal, state.step + 1);
    const inputs = { params, slots, sums, numbers: numbersFor(state, rate), total: scalarOf(means.total) };
    const made = await (await programs.last.of(inputs, [])).launch(inputs);
    const report = readReport(made.report);
    adopt(made);
    return { total: means.total, gradientNorm: (await report).norm, terms: termsOf(means) };
  };

  const accumulate: TrainStep<Params, Batch, OptimizerState>["accumulate"] = (state, given, rate) => {
    const taken = (async () => {
      expectBatches(given);
      const batches = given.filter((batch) => batch !== undefined);
      const before = optimizer.counters(state.optimizer);
      const report = batches.length === 1 ? await one(state, batches[0], rate) : await several(state, batches, rate);
      const step = state.step + 1;
      try {
        expectFinite("the loss", report.total, step);
        expectFinite("the gradient norm", report.gradientNorm, step);
      } catch (error) {
        // The device changed nothing; the update does not count either.
        optimizer.restore(state.optimizer, before);
        throw error;
      }
      state.step = step;
      return { step, ...report };
    })();
    running = taken.catch(() => undefined);
    return taken;
  };

  return {
    init: (params) => ({ params, optimizer: optimizer.init(params), step: 0 }),
    step: (state, batch, rate) => accumulate(state, [batch], rate),
    accumulate,
    collect: async (state) => {
      await running;
      if (card === undefined) return;
      const slots = optimizer.slots(state.optimizer);
      const pairs = [
        [card.params, asTree<HostTensor>(state.params)] as const,
        ...Object.keys(slots).map((name) => [card!.slots[name], slots[name] as Tree<HostTensor>] as const),
      ];
      for (const [from, to] of pairs) {
        for (const [path, leaf] of treeLeaves(to)) leaf.data.set((await from[keyOf(path)].read()).data);
      }
    },
    changed: release,
    withoutGradient: () => missing,
    dispose: async () => {
      await running;
      release();
      for (const { dispose } of Object.values(programs)) await dispose();
    },
  };
}
