import type { FloatTensor } from "@kdc-mae/core";
import { KdcError } from "@kdc-mae/core";
import { adam, adamW, createTrainStep, type Execute } from "@kdc-mae/engine";
import type { ClassifierParams, ModelConfig } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import { patchesFor } from "../evaluate/predict.js";
import { learningRateAt } from "../pretrain/schedule.js";
import { restoreState, saveState } from "../pretrain/state-file.js";
import type { RunFolder } from "../run/run-folder.js";
import { clockOf, type Surroundings } from "../surroundings.js";
import { addToMean, zerosLike } from "./average.js";
import { type FineTuneBatch, fineTuneLoss, type HostFineTuneBatch, type Tuned } from "./loss.js";
import type { CheckedFineTuning } from "./schema.js";
import type { LabelledBatch, LabelledSource } from "./source.js";
import { fingerprint } from "./start.js";

/** Figures on the evaluation clips; `score` is what the best epoch is chosen by. */
export type EpochScore = {
  readonly score: number;
  readonly figures: Readonly<Record<string, number | null>>;
};

export type FineTuneOptions = Pick<Surroundings, "clock" | "signal" | "onNote"> & {
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
  readonly onStep?: (progress: { readonly step: number; readonly steps: number; readonly total: number }) => void;
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

const STATE_FILE = "state.safetensors";

/** Counters that a resumed run goes on from. */
type Counters = {
  step: number;
  updates: number;
  /** Epochs that were trained, evaluated and logged. */
  epochs: number;
  averaged: number;
  sums: Record<string, number>;
  seconds: number;
  best?: { readonly epoch: number; readonly score: number };
};

/**
 * Fine-tunes a classifier, or goes on with a run that was stopped in this folder: the same batches follow, and the same
 * figures come out.
 *
 * @throws KdcError when the folder's run began from another checkpoint
 */
export async function fineTune(options: FineTuneOptions): Promise<FineTuned> {
  const { experiment, config, params, source, execute, folder, evaluate, keepBest, onStep, signal } = options;
  const clock = clockOf(options);
  const { optimizer: settings, training, mode, averaging } = experiment;
  const frozen = experiment.tune === "linear-probe" ? { encoder: params.encoder } : undefined;
  const tuned: Tuned<FloatTensor> = frozen === undefined ? params : { head: params.head };
  const make = settings.kind === "adam" ? adam : adamW;
  const train = createTrainStep<Tuned<Tensor>, FineTuneBatch, ReturnType<ReturnType<typeof make>["init"]>>(
    execute,
    fineTuneLoss(config, mode, experiment.loss.kind),
    make({
      betas: settings.betas,
      epsilon: settings.epsilon,
      weightDecay: settings.weightDecay,
      groups: [{ paths: /^head\./, rate: settings.headRate }],
    }),
    { clipNorm: settings.clipNorm },
  );
  const began = fingerprint(params.encoder);
  const state = train.init(tuned as never);
  const mean = averaging === undefined ? undefined : zerosLike(tuned);
  const trees = {
    tuned,
    first: state.optimizer.first,
    second: state.optimizer.second,
    ...(mean === undefined ? {} : { mean }),
  };
  const perEpoch = Math.floor(source.stepsPerEpoch / training.accumulate);
  const steps = training.epochs * perEpoch;
  const rateAt = learningRateAt(experiment, perEpoch);
  const statePath = folder.file(STATE_FILE);

  const counters: Counters = { step: 0, updates: 0, epochs: 0, averaged: 0, sums: {}, seconds: 0 };
  const notes = await restoreState(statePath, trees, options.onNote);
  if (notes !== undefined) {
    if (notes.began !== began) {
      throw new KdcError({
        where: `run folder ${folder.path}`,
        what: "its run began from another checkpoint",
        remedy: "Give the same --init, another folder with --out, or delete this one",
        reason: "run-folder",
      });
    }
    Object.assign(counters, notes.counters);
    state.step = counters.step;
    state.optimizer.updates = counters.updates;
  }
  let saved = clock();
  const save = async () => {
    Object.assign(counters, { step: state.step, updates: state.optimizer.updates });
    await saveState(statePath, trees, { began, counters });
    saved = clock();
  };
  const due = () => clock() - saved > training.checkpointSeconds * 1000;
  const whole = (learned: Tuned<FloatTensor>): ClassifierParams<FloatTensor> => ({
    encoder: params.encoder,
    ...learned,
  });
  const result = (finished: boolean): FineTuned => ({
    finished,
    steps: state.step,
    params,
    best: counters.best,
    ...(mean === undefined || counters.averaged === 0
      ? {}
      : { averaged: { params: whole(mean), epochs: counters.averaged } }),
    withoutGradient: train.withoutGradient(),
  });

  /** Steps up to the end of an epoch; false when it was asked to stop on the way. */
  const trainEpoch = async (epoch: number): Promise<boolean> => {
    const end = (epoch + 1) * perEpoch;
    if (state.step >= end) return true;
    const done = state.step - epoch * perEpoch;
    for await (const group of grouped(source.batches(epoch, done * training.accumulate), training.accumulate)) {
      const start = clock();
      const batches = group.map(
        ({ patches, targets }): HostFineTuneBatch => ({ patches: patchesFor(mode, patches), targets, frozen }),
      );
      const report = await train.accumulate(state, batches as never, rateAt(state.step));
      counters.seconds += (clock() - start) / 1000;
      for (const [name, value] of Object.entries(report.terms)) {
        counters.sums[name] = (counters.sums[name] ?? 0) + value;
      }
      onStep?.({ step: state.step, steps, total: report.total });
      if (signal?.aborted) return false;
      if (state.step === end) break;
      if (due()) await save();
    }
    return true;
  };

  const endEpoch = async (epoch: number): Promise<void> => {
    const { score, figures } = await evaluate(params, `epoch ${epoch + 1}`);
    if (counters.best === undefined || score > counters.best.score) {
      counters.best = { epoch: epoch + 1, score };
      await keepBest(params, epoch + 1);
    }
    if (mean !== undefined && averaging && epoch + 1 >= averaging.from && epoch + 1 <= averaging.to) {
      counters.averaged += 1;
      addToMean(mean, tuned, counters.averaged);
    }
    const losses = Object.fromEntries(Object.entries(counters.sums).map(([name, sum]) => [name, sum / perEpoch]));
    const { seconds } = counters;
    await folder.log({
      ...{ epoch, step: state.step, learningRate: rateAt(state.step - 1), seconds, losses },
      evaluation: figures,
    });
    Object.assign(counters, { epochs: epoch + 1, sums: {}, seconds: 0 });
  };

  try {
    while (counters.epochs < training.epochs) {
      if (!(await trainEpoch(counters.epochs))) {
        await save();
        return result(false);
      }
      try {
        await endEpoch(counters.epochs);
      } catch (error) {
        if (!signal?.aborted) throw error;
        await save();
        return result(false);
      }
      const last = counters.epochs === training.epochs;
      if (last || due() || signal?.aborted) await save();
      if (signal?.aborted && !last) return result(false);
    }
    return result(true);
  } finally {
    await train.dispose();
  }
}

/** Groups of `size` batches; batches left over at the end are dropped. */
async function* grouped(batches: AsyncIterable<LabelledBatch>, size: number): AsyncIterable<readonly LabelledBatch[]> {
  let group: LabelledBatch[] = [];
  for await (const batch of batches) {
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
}
