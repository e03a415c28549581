import { type FloatTensor, KdcError, treeLeaves } from "@kdc-mae/core";
import type { Hosted } from "../run/program.js";
import { clipScale, globalNorm } from "./clip.js";
import type { Optimizer } from "./optimizer.js";

/** Everything that changes while training. */
export type TrainState<Params, OptimizerState> = {
  readonly params: Hosted<Params>;
  readonly optimizer: OptimizerState;
  /** Steps taken. */
  step: number;
};

/** What one step saw. `gradientNorm`: length of all gradients as one vector, before clipping. */
export type StepReport = {
  readonly step: number;
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
};

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

/** @throws KdcError when a step is given no batch */
export function expectBatches(batches: readonly unknown[]): void {
  if (batches.length > 0) return;
  throw new KdcError({
    where: "train step",
    what: "there are no batches to accumulate",
    remedy: "Give at least one batch",
    reason: "batch",
  });
}

/** sum ← sum · keep + next · weight, leaf by leaf */
export function blend(sum: unknown, next: unknown, keep: number, weight: number): void {
  const others = treeLeaves<FloatTensor>(next);
  for (const [index, [, { data }]] of treeLeaves<FloatTensor>(sum).entries()) {
    const other = others[index][1].data;
    for (let i = 0; i < data.length; i++) data[i] = data[i] * keep + other[i] * weight;
  }
}

/** @throws KdcError (reason `stopped`) when a step is to stop before it has changed anything */
export const expectGoing = (signal: AbortSignal | undefined, step: number): void => {
  if (signal?.aborted) {
    throw new KdcError({
      where: `train step ${step}`,
      what: "it was asked to stop before the step was taken; nothing was changed",
      remedy: "Go on from the last checkpoint",
      reason: "stopped",
    });
  }
};

/** What every step of a training does alike. */
export type UpdateSettings = {
  /** Longest allowed global gradient norm; no clipping unless given. */
  readonly clipNorm?: number;
  /** A step that is under way when it asks to stop changes nothing. */
  readonly signal?: AbortSignal;
};

export type TrainStepOptions<Batch> = UpdateSettings & {
  /** Clips in a batch, for the mean over accumulated batches; batches count alike unless given. */
  readonly clips?: (batch: Hosted<Batch>) => number;
};

export type TrainStep<Params, Batch, OptimizerState> = {
  readonly init: (params: Hosted<Params>) => TrainState<Params, OptimizerState>;
  /** One update from one batch; `state` changes in place. */
  readonly step: (
    state: TrainState<Params, OptimizerState>,
    batch: Hosted<Batch>,
    learningRate: number,
  ) => Promise<StepReport>;
  /** One update from the mean gradient over several batches. */
  readonly accumulate: (
    state: TrainState<Params, OptimizerState>,
    batches: readonly Hosted<Batch>[],
    learningRate: number,
  ) => Promise<StepReport>;
  /** Brings the state's arrays up to date, where the state itself lies on a device. Waits for a step under way. */
  readonly collect: (state: TrainState<Params, OptimizerState>) => Promise<void>;
  /** Says that the state's arrays were changed from outside, as by going back to a checkpoint. */
  readonly changed: () => void;
  /** Paths of the parameters the loss does not depend on, known after the first step. */
  readonly withoutGradient: () => readonly string[];
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
  optimizer: Optimizer<OptimizerState>,
  made: { readonly gradients: unknown; readonly report: Pick<StepReport, "total" | "terms"> },
  settings: UpdateSettings & { readonly learningRate: number; readonly missing: readonly string[] },
): StepReport {
  const { gradients, report } = made;
  const { learningRate, clipNorm, missing, signal } = settings;
  const step = state.step + 1;
  expectGoing(signal, step);
  expectFinite("the loss", report.total, step);
  // A loss may be finite where its gradient is not: the root of a sum of zeros.
  const gradientNorm = globalNorm(gradients);
  expectFinite("the gradient norm", gradientNorm, step);
  const scale = clipNorm === undefined ? 1 : clipScale(gradientNorm, clipNorm);
  optimizer.update(state.optimizer, state.params, gradients, learningRate, scale, missing);
  state.step = step;
  return { step, ...report, gradientNorm };
}
