import { type FloatTensor, KdcError, type Tree, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import type { Placed } from "../run/runtime.js";
import { clipScale, globalNorm } from "./clip.js";
import { weightedSum } from "./double-kernel.js";
import type { Follower } from "./follower.js";
import type { Optimizer } from "./optimizer.js";
import type { Peers } from "./peers.js";

/** Everything that changes while training. */
export type TrainState<Params, OptimizerState> = {
  readonly params: HostedParams<Params>;
  readonly optimizer: OptimizerState;
  /** Steps taken. */
  step: number;
};

/**
 * What one step saw. `gradientNorm`: length of all gradients as one vector, before clipping. `lossScale`, in
 * mixed precision: what the loss was multiplied by, and how often it was halved in this step because gradients overflowed.
 */
export type StepReport = {
  readonly step: number;
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
  readonly lossScale?: { readonly value: number; readonly halved: number };
};

/**
 * What a loss is multiplied by before it is differentiated, and gradients are divided by after, where operands of products
 * are rounded to half precision: without it those below 6e-8 would be lost. Changed in place, step by step.
 */
export type LossScale = {
  /** A power of two, so that it rounds nothing itself. */
  value: number;
  /** Steps since it last changed. */
  good: number;
};

/** What is looked at, in words. */
export const gradientNorm = "the gradient norm";

/** @throws KdcError (reason `loss-not-finite`) */
export const expectFinite = (what: string, value: number, step: number): void => {
  if (Number.isFinite(value)) return;
  throw new KdcError({
    where: `train step ${step}`,
    what: `${what} is ${value}`,
    remedy:
      "Lower the learning rate, clip gradients, look for NaN or infinite values in the batch, and go on from the last checkpoint",
    reason: "loss-not-finite",
  });
};

/** @throws KdcError when a step is given no batch of its own */
export function expectBatches(batches: readonly unknown[]): void {
  if (batches.some((batch) => batch !== undefined)) return;
  throw new KdcError({
    where: "train step",
    what: "there are no batches to accumulate",
    remedy: "Give at least one batch",
    reason: "batch",
  });
}

/** sum ← sum · keep + next · weight, leaf by leaf */
export function blend(sum: Tree<FloatTensor>, next: Tree<FloatTensor>, keep: number, weight: number): void {
  const others = treeLeaves(next);
  for (const [index, [, { data }]] of treeLeaves(sum).entries()) {
    weightedSum(data, others[index][1].data, keep, weight);
  }
}

/** @throws KdcError (reason `stopped`) when a step is to stop before it has changed anything */
export const expectGoing = (signal: Asked | undefined, step: number): void => {
  if (signal?.aborted) {
    throw new KdcError({
      where: `train step ${step}`,
      what: "it was asked to stop before the step was taken; nothing was changed",
      remedy: "Go on from the last checkpoint",
      reason: "stopped",
    });
  }
};

/** Whether a step is asked to stop: the little of an AbortSignal that matters. */
type Asked = { readonly aborted: boolean };

/** What every step of a training does alike. */
export type UpdateSettings = {
  /** Longest allowed global gradient norm; no clipping unless given. */
  readonly clipNorm?: number;
  /** A step that is under way when it asks to stop changes nothing. */
  readonly signal?: AbortSignal;
};

/** Clipping, stopping, and how several batches or processes make one step. */
export type TrainStepOptions<Batch> = UpdateSettings & {
  /** Clips in a batch, for the mean over accumulated batches; batches count alike unless given. */
  readonly clips?: (batch: Hosted<Batch>) => number;
  /** Processes that take every step together, each with batches of its own. */
  readonly peers?: Peers;
  /**
   * Gradients are added up so that neither order nor the number of processes shows: the same bits for the same batches.
   * Unless set, sums of many processes differ by rounding.
   */
  readonly exact?: boolean;
  /** What follows the parameters, where something does. */
  readonly follower?: Follower;
};

/** A loss and an optimizer, joined into steps: what {@link createTrainStep} makes. */
export type TrainStep<Params, Batch, OptimizerState> = {
  /** A fresh state; the parameters are kept and changed in place. */
  readonly init: (params: HostedParams<Params>) => TrainState<Params, OptimizerState>;
  /** One update from one batch; `state` changes in place, its arrays at `collect` where they lie on a device or in tfjs. */
  readonly step: (
    state: TrainState<Params, OptimizerState>,
    batch: Hosted<Batch>,
    learningRate: number,
  ) => Promise<StepReport>;
  /**
   * One update from the mean gradient over several batches. With peers, all batches of all of them are listed, those
   * of others as undefined: they count as many clips as the first of one's own.
   */
  readonly accumulate: (
    state: TrainState<Params, OptimizerState>,
    batches: readonly (Hosted<Batch> | undefined)[],
    learningRate: number,
  ) => Promise<StepReport>;
  /** The parameters and what follows them as they are now, where they lie: for programs that read them between two steps. */
  readonly current: (
    state: TrainState<Params, OptimizerState>,
  ) => Promise<{ readonly params: Placed<Params>; readonly follower?: unknown }>;
  /** In mixed precision, what the loss is multiplied by; a run that goes on sets it to what it was. */
  readonly lossScale?: LossScale;
  /** Brings the state's arrays up to date, where the state itself lies on a device. Waits for a step under way. */
  readonly collect: (state: TrainState<Params, OptimizerState>) => Promise<void>;
  /** Says that the state's arrays were changed from outside, as by going back to a checkpoint. */
  readonly changed: () => void;
  /** Paths of the parameters the loss does not depend on, known after the first step. */
  readonly withoutGradient: () => readonly string[];
  /** Disposes of its programs, and of the state on a device. Steps, `current` and `collect` are refused afterwards (reason `gone`). */
  readonly dispose: () => Promise<void>;
};

/**
 * Takes the step: checks that loss and gradients are finite, clips, has the optimizer change the state.
 *
 * @param settings.missing paths of parameters the loss does not depend on
 * @throws KdcError before anything is changed: `loss-not-finite`, or `stopped` when the signal asks to stop
 */
export function update<Params, OptimizerState>(
  state: TrainState<Params, OptimizerState>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  made: { readonly gradients: HostedParams<Params>; readonly report: Pick<StepReport, "total" | "terms"> },
  settings: Omit<UpdateSettings, "signal"> & {
    readonly signal?: Asked;
    readonly learningRate: number;
    readonly missing: readonly string[];
    /** What gradients are to be divided by. */
    readonly lossScale?: number;
  },
): StepReport {
  const { gradients, report } = made;
  const { learningRate, clipNorm, missing, signal, lossScale = 1 } = settings;
  const step = state.step + 1;
  expectGoing(signal, step);
  expectFinite("the loss", report.total, step);
  // A loss may be finite where its gradient is not: the root of a sum of zeros.
  const norm = globalNorm(asTree(gradients)) / lossScale;
  expectFinite(gradientNorm, norm, step);
  const scale = (clipNorm === undefined ? 1 : clipScale(norm, clipNorm)) / lossScale;
  optimizer.update(state.optimizer, state.params, gradients, learningRate, scale, missing);
  state.step = step;
  return { step, ...report, gradientNorm: norm };
}

/** A batch of a step, the share of all clips that is in it, and its place among the batches of all peers. */
export type Share<Batch> = { readonly batch: Hosted<Batch>; readonly share: number; readonly index: number };

/**
 * One's own batches of a step, with the share of all clips that is in each.
 *
 * @throws KdcError where there is none
 */
export function sharesOf<Batch>(
  batches: readonly (Hosted<Batch> | undefined)[],
  clips: (batch: Hosted<Batch>) => number = () => 1,
): { readonly own: readonly Share<Batch>[]; readonly shares: readonly number[] } {
  expectBatches(batches);
  const first = batches.find((batch) => batch !== undefined) as Hosted<Batch>;
  const weights = batches.map((batch) => clips(batch ?? first));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => weight / all);
  const own = batches.flatMap((batch, index) => (batch === undefined ? [] : [{ batch, index, share: shares[index] }]));
  return { own, shares };
}
