import type { FloatTensor } from "@kdc-mae/core";
import { KdcError } from "@kdc-mae/core";
import { computesOn, createTrainStep, type Execute, resident } from "@kdc-mae/engine";
import type { ClassifierParams, ModelConfig } from "@kdc-mae/model";
import { patchesFor } from "../evaluate/predict.js";
import type { RunWatch } from "../log/observe-run.js";
import { trainObserved } from "../log/train-observed.js";
import { timed } from "../ranks/timed.js";
import type { RunFolder } from "../run/run-folder.js";
import { clockOf, ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { addToMean, zerosLike } from "../train/average.js";
import { bytesIn } from "../train/disk-space.js";
import { encoderSum } from "../train/encoder-sum.js";
import { type LossScaleNote, withLossScale } from "../train/loss-scale-note.js";
import { optimizerFor } from "../train/optimizer.js";
import type { TrainOptions } from "../train/train.js";
import type { Trainee } from "../train/trainee.js";
import type { LabelledBatch, LabelledSource } from "./labelled-batches.js";
import { fineTuneLoss, type HostFineTuneBatch, type Tuned } from "./loss.js";
import { rateGroups } from "./rate-groups.js";
import type { CheckedFineTuning } from "./schema.js";

/** Figures on the evaluation clips; `score` is what the best epoch is chosen by. */
export type EpochScore = {
  readonly score: number;
  readonly figures: Readonly<Record<string, number | null>>;
};

export type FineTuneOptions = Surroundings & {
  readonly experiment: CheckedFineTuning;
  readonly config: ModelConfig;
  /** The classifier to begin with; changed in place. */
  readonly params: ClassifierParams<FloatTensor>;
  readonly source: LabelledSource;
  readonly execute: Execute;
  readonly folder: RunFolder<CheckedFineTuning>;
  /** Called after every epoch, and once more with averaged weights. */
  readonly evaluate: (params: ClassifierParams<FloatTensor>, what: string) => Promise<EpochScore>;
  /** Called when an epoch is the best so far, before its state is saved. */
  readonly keepBest: (params: ClassifierParams<FloatTensor>, epoch: number) => Promise<void>;
  /** Saves a classifier that is kept on the way; `weights` says which epochs', in words. */
  readonly saveModel: (file: string, params: ClassifierParams<FloatTensor>, weights: string) => Promise<void>;
  readonly onStep?: TrainOptions["onStep"];
  readonly acceptChangedData?: TrainOptions["acceptChangedData"];
  readonly loggers?: RunWatch["loggers"];
};

export type FineTuned = {
  /** False when it was asked to stop before the end; the state is saved. */
  readonly finished: boolean;
  readonly steps: number;
  readonly params: ClassifierParams<FloatTensor>;
  readonly averaged?: { readonly params: ClassifierParams<FloatTensor>; readonly epochs: number };
  /** Epoch counted from 1. */
  readonly best?: { readonly epoch: number; readonly score: number };
  /** Paths of what learns that the loss does not depend on, known after a step. */
  readonly withoutGradient: readonly string[];
};

/** What a resumed run goes on from, beside counters and arrays. */
type Notes = LossScaleNote & {
  readonly began: string;
  /** Epochs whose weights are in the mean. */
  averaged: number;
  best?: { readonly epoch: number; readonly score: number };
};

/**
 * Fine-tunes a classifier, or goes on with a run that was stopped in this folder: the same batches follow, and the same
 * figures come out.
 *
 * @throws KdcError when the folder's run began from another checkpoint, and as {@link train} does
 */
export async function fineTune(options: FineTuneOptions): Promise<FineTuned> {
  const { experiment, config, params, source, execute, folder, evaluate, keepBest, onStep, signal } = options;
  const { optimizer: settings, mode, averaging } = experiment;
  const ranks = timed(ranksOf(options), clockOf(options));
  const isFrozen = experiment.tune === "linear-probe";
  // On a device it lies once, for all steps.
  const frozen = isFrozen ? await resident(execute, { encoder: params.encoder }) : undefined;
  const tuned: Tuned<FloatTensor> = isFrozen ? { head: params.head } : params;
  const updates = optimizerFor<Tuned<FloatTensor>>(settings, rateGroups(config, settings));
  const loss = fineTuneLoss(config, mode, experiment.loss.kind);
  const stepper = createTrainStep(execute, loss, updates, {
    ...{ clipNorm: settings.clipNorm, signal, peers: ranks, exact: experiment.training.reproducible },
  });
  const state = stepper.init(tuned);
  const mean = averaging === undefined ? undefined : zerosLike(tuned);
  const whole = (learned: Tuned<FloatTensor>): ClassifierParams<FloatTensor> => ({
    encoder: params.encoder,
    ...learned,
  });
  const notes: Notes = { began: encoderSum(params.encoder), averaged: 0 };
  const { began } = notes;

  const trainee: Trainee<LabelledBatch> = {
    ...{ spent: ranks.spent, source, state, notes, modelBytes: bytesIn(params) },
    optimizer: {
      counters: () => updates.counters(state.optimizer),
      restore: (counters) => updates.restore(state.optimizer, counters),
    },
    ...{ collect: () => stepper.collect(state), changed: withLossScale(stepper, notes) },
    trees: {
      tuned,
      ...updates.slots(state.optimizer),
      ...(mean === undefined ? {} : { mean }),
    },
    expectOwn(saved) {
      if ((saved.own as Notes | undefined)?.began === began) return;
      throw new KdcError({
        where: `run folder ${folder.path}`,
        what: "its run began from another checkpoint",
        remedy: "Give the same --init, another folder with --out, or delete this one",
        reason: "run-folder",
      });
    },
    update: (group, rate) => {
      const batches = group.map(
        (batch): HostFineTuneBatch | undefined =>
          batch && { patches: patchesFor(mode, batch.patches), targets: batch.targets, frozen: frozen?.tree },
      );
      return stepper.accumulate(state, batches, rate);
    },
    async endEpoch(epoch) {
      const { score, figures } = await evaluate(params, `epoch ${epoch + 1}`);
      const isBest = notes.best === undefined || score > notes.best.score;
      if (isBest) {
        notes.best = { epoch: epoch + 1, score };
        await keepBest(params, epoch + 1);
      }
      if (mean !== undefined && averaging && epoch + 1 >= averaging.from && epoch + 1 <= averaging.to) {
        notes.averaged += 1;
        addToMean(mean, tuned, notes.averaged);
      }
      return { evaluation: figures, isBest };
    },
    saveModel: (file, weights) => options.saveModel(file, params, weights),
  };
  const { batch, accumulate } = experiment.training;
  const ended = await trainObserved(
    trainee,
    {
      ...{ ...surroundingsOf(options), experiment, folder, onStep },
      acceptChangedData: options.acceptChangedData,
    },
    { name: experiment.name, clips: batch * accumulate, loggers: options.loggers, on: computesOn(execute) },
  ).finally(async () => {
    await stepper.dispose();
    frozen?.dispose();
  });
  return {
    ...ended,
    params,
    best: notes.best,
    ...(mean === undefined || notes.averaged === 0
      ? {}
      : { averaged: { params: whole(mean), epochs: notes.averaged } }),
    withoutGradient: stepper.withoutGradient(),
  };
}
