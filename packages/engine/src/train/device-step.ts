import "../backend/register.js";
import { type FloatTensor, float32, KdcError, mapTree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import type { DeviceTensor, OnDevice, Placed } from "../run/runtime.js";
import { carefully, expectTools } from "./careful-step.js";
import { createDeviceState, type DeviceState, programsOf, type StepRuntime } from "./device-state.js";
import { withFollower } from "./follower.js";
import { type Loss, valueAndGradients } from "./gradient.js";
import { atLossScale, freshLossScale, scaledLoss, unscale } from "./loss-scale.js";
import type { Optimizer } from "./optimizer.js";
import { addTo, flat, type Held, keyOf, type Named, type UpdateRule, updateAll } from "./traced-update.js";
import {
  expectBatches,
  expectFinite,
  expectGoing,
  gradientNorm,
  type StepReport,
  sharesOf,
  type TrainState,
  type TrainStep,
  type TrainStepOptions,
} from "./update.js";

type Inputs<Fn> = Fn extends (inputs: infer I) => unknown ? I : never;

/** A number for a program. */
export const scalarOf = (value: number): FloatTensor => float32([], Float32Array.of(value));

/** The few numbers a program gave, by path. */
export async function readNumbers(report: OnDevice<unknown>): Promise<Record<string, number>> {
  const reads = treeLeaves(asTree<DeviceTensor>(report)).map(
    async ([path, leaf]) => [path, (await leaf.read()).data[0]] as const,
  );
  return Object.fromEntries(await Promise.all(reads));
}

/** Those of them that are terms, by the names of the terms. */
export const termsOf = (values: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([path, value]) => (path.startsWith("terms.") ? [[path.slice(6), value]] : [])),
  );

/** What every step on a device is made with. */
export type DeviceTools<Params, Batch, OptimizerState> = {
  readonly state: DeviceState<Params, OptimizerState>;
  /** How gradients change what the device holds. */
  readonly rule: UpdateRule;
  /** The batch as the loss sees it: what follows the parameters is in it. */
  readonly seen: (batch: Batch, follower: Named) => Batch;
  /** What a program needs to know besides its tensors: the loss scale, and the optimizer's numbers. Counts the update. */
  readonly numbers: (state: TrainState<Params, OptimizerState>, rate: number, scale: number) => FloatTensor;
  /** True where operands of products are rounded, and the loss is to be scaled. */
  readonly scaled: boolean;
};

type Own<Params, Batch, OptimizerState> = {
  /** One update: loss, terms and norm as the device found them. It changes nothing there if one is not finite. */
  readonly attempt: (
    state: TrainState<Params, OptimizerState>,
    batches: readonly Hosted<Batch>[],
    rate: number,
    scale: number,
  ) => Promise<Omit<StepReport, "step">>;
  readonly withoutGradient: () => readonly string[];
  readonly dispose: () => Promise<void>;
};

/**
 * Steps whose state stays on a runtime's device, from the way they make one update.
 *
 * @throws KdcError for an optimizer that has no traced update
 */
export function stepOnDevice<Params, Batch, OptimizerState>(
  runtime: StepRuntime,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch>,
  make: (tools: DeviceTools<Params, Batch, OptimizerState>) => Own<Params, Batch, OptimizerState>,
): TrainStep<Params, Batch, OptimizerState> {
  expectTools(optimizer, options);
  const { clipNorm, follower } = options;
  const { traced } = optimizer;
  if (traced === undefined) {
    throw new KdcError({
      where: "createTrainStep",
      what: `the optimizer ${optimizer.name} cannot run on ${runtime.name}: it has no traced update`,
      remedy: "Give it one (`traced`), use adam or adamW, or train on the cpu",
      reason: "optimizer",
    });
  }
  const device = createDeviceState(runtime, optimizer, follower);
  const scaled = runtime.precision === "mixed";
  const lossScale = scaled ? freshLossScale() : undefined;
  /** What follows the parameters, as the tree that it is. */
  const following = (tensors: Named<unknown>) =>
    follower && mapTree(follower.tree, (_: FloatTensor, path) => tensors[keyOf(path)]);
  const own = make({
    ...{ state: device, rule: { apply: traced.apply, clipNorm, follower }, scaled },
    seen: (batch, tensors) => withFollower(batch, follower, following(tensors)),
    numbers: (state, rate, scale) => {
      const numbers = [scale, ...traced.numbers(state.optimizer, rate)];
      return float32([numbers.length], Float32Array.from(numbers));
    },
  });
  /** The step under way: collecting waits for it. */
  let running: Promise<unknown> = Promise.resolve();
  const accumulate: TrainStep<Params, Batch, OptimizerState>["accumulate"] = (state, given, rate) => {
    const taken = (async () => {
      expectBatches(given);
      const batches = given.filter((batch) => batch !== undefined);
      const before = optimizer.counters(state.optimizer);
      return atLossScale(lossScale, async (scale) => {
        const report = await own.attempt(state, batches, rate, scale);
        const step = state.step + 1;
        try {
          expectFinite("the loss", report.total, step);
          expectFinite(gradientNorm, report.gradientNorm, step);
        } catch (error) {
          // The device changed nothing; the update does not count either.
          optimizer.restore(state.optimizer, before);
          throw error;
        }
        state.step = step;
        return { step, ...report };
      });
    })();
    running = taken.catch(() => undefined);
    return taken;
  };
  return carefully<Params, Batch, OptimizerState>({
    ...{ accumulate, lossScale, changed: device.release, withoutGradient: own.withoutGradient },
    init: (params) => ({ params, optimizer: optimizer.init(params), step: 0 }),
    current: async (state) => {
      await running;
      const held = await device.held(state);
      return { params: device.asParams(held.params) as Placed<Params>, follower: following(held.follower) };
    },
    collect: async (state) => {
      await running;
      await device.collect(state);
    },
    dispose: async () => {
      await running;
      device.release();
      await own.dispose();
    },
  });
}

/**
 * Training steps whose parameters and optimizer state stay on a runtime's device: one program per step, and only the
 * report comes back. The arrays of the state are a copy in ordinary memory, which `collect` brings up to date.
 *
 * @throws KdcError as `createTrainStep`, and for an optimizer that has no traced update
 */
export function createDeviceStep<Params, Batch, OptimizerState>(
  runtime: StepRuntime,
  loss: Loss<Params, Batch>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clips, signal } = options;
  return stepOnDevice<Params, Batch, OptimizerState>(runtime, optimizer, options, (tools) => {
    const { state: device, rule, seen, numbers, scaled } = tools;
    let missing: readonly string[] = [];
    const untouched = (): Set<string> => new Set(missing.map(keyOf));
    type Given = { readonly params: Named; readonly follower: Named; readonly batch: Batch };
    const gradientsOf = ({ params, follower: tensors, batch }: Given, scale: tf.Scalar) => {
      const gradient = valueAndGradients(
        scaled ? scaledLoss(loss) : (tree: Params, { batch }: { readonly batch: Batch }) => loss(tree, batch),
        (paths) => {
          missing = paths;
        },
      );
      const made = gradient({ params: device.asParams(params), batch: { batch: seen(batch, tensors), scale } });
      return { ...unscale(made.total, made.terms), gradients: flat(asTree<tf.Tensor>(made.gradients)) };
    };
    const first = (numbers: tf.Tensor1D): tf.Scalar => tf.reshape(tf.slice(numbers, [0], [1]), []) as tf.Scalar;
    const whole = (inputs: Held & Given & { readonly numbers: tf.Tensor1D }) => {
      const { total, terms, gradients } = gradientsOf(inputs, first(inputs.numbers));
      const { norm, ...state } = updateAll(rule, { ...inputs, gradients, total }, untouched());
      return { ...state, report: { total, terms, norm } };
    };
    type Part = Given & { readonly sums: Named; readonly scale: tf.Scalar; readonly weight: tf.Scalar };
    const part = ({ sums, scale, weight, isFirst, ...inputs }: Part & { readonly isFirst: tf.Scalar }) => {
      const { total, terms, gradients } = gradientsOf(inputs, scale);
      return { sums: addTo(sums, gradients, weight, isFirst), report: { total, terms } };
    };
    type Last = Held & { readonly sums: Named; readonly numbers: tf.Tensor1D; readonly total: tf.Scalar };
    const last = ({ sums, ...inputs }: Last) => {
      const { norm, ...state } = updateAll(rule, { ...inputs, gradients: sums }, untouched());
      return { ...state, report: { norm } };
    };
    const programs = {
      whole: programsOf(runtime, whole),
      part: programsOf(runtime, part),
      last: programsOf(runtime, last),
    };
    type State = TrainState<Params, OptimizerState>;

    const one = async (state: State, batch: Hosted<Batch>, rate: number, scale: number) => {
      const held = await device.held(state);
      const shapes = { ...held, batch, numbers: numbers({ ...state, optimizer: { ...state.optimizer } }, rate, scale) };
      await programs.whole.ready(shapes as Placed<Inputs<typeof whole>>, batch);
      // Once it is launched it is done.
      expectGoing(signal, state.step + 1);
      const inputs = { ...shapes, numbers: numbers(state, rate, scale) } as Placed<Inputs<typeof whole>>;
      const made = await programs.whole.launch(inputs, batch);
      const report = readNumbers(made.report);
      device.adopt(made);
      const { total, norm, ...rest } = await report;
      return { total, gradientNorm: norm, terms: termsOf(rest) };
    };
    const several = async (state: State, batches: readonly Hosted<Batch>[], rate: number, scale: number) => {
      const { params, follower: tensors } = await device.held(state);
      const means: Record<string, number> = {};
      for (const { batch, share, index } of sharesOf<Batch>(batches, clips).own) {
        if (index > 0) expectGoing(signal, state.step + 1);
        const own = { weight: scalarOf(share), scale: scalarOf(scale), isFirst: scalarOf(index === 0 ? 1 : 0) };
        const inputs = { params, follower: tensors, batch, sums: await device.sums(), ...own };
        const made = await programs.part.launch(inputs as Placed<Inputs<typeof part>>, batch);
        const report = readNumbers(made.report);
        device.adopt({ sums: made.sums });
        for (const [path, value] of Object.entries(await report)) means[path] = (means[path] ?? 0) + value * share;
      }
      expectGoing(signal, state.step + 1);
      const held = await device.held(state);
      const inputs = { ...held, sums: await device.sums(), numbers: numbers(state, rate, scale) };
      const made = await programs.last.launch({ ...inputs, total: scalarOf(means.total) } as Placed<Last>, []);
      const report = readNumbers(made.report);
      device.adopt(made);
      return { total: means.total, gradientNorm: (await report).norm, terms: termsOf(means) };
    };
    return {
      attempt: (state, batches, rate, scale) =>
        batches.length === 1 ? one(state, batches[0], rate, scale) : several(state, batches, rate, scale),
      withoutGradient: () => missing,
      dispose: async () => {
        for (const { dispose } of Object.values(programs)) await dispose();
      },
    };
  });
}
