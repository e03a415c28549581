import { createRng, type FloatTensor, float32, mapTree, treeLeaves } from "@kdc-mae/core";
import {
  type AdamState,
  adam,
  adamW,
  createCachedStep,
  createTrainStep,
  type Execute,
  type TrainStep,
} from "@kdc-mae/engine";
import { initModel, type ModelConfig, type ModelParams } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { RunFolder } from "../run/run-folder.js";
import { clockOf, type Surroundings } from "../surroundings.js";
import type { BatchSource, MaskedBatch } from "./batch-source.js";
import {
  type HostPretrainBatch,
  type PretrainBatch,
  type PretrainParams,
  pretrainLoss,
  pretrainLossInParts,
} from "./loss.js";
import { objectiveFor } from "./objective.js";
import { learningRateAt } from "./schedule.js";
import { restoreState, saveState } from "./state-file.js";

/** What pretraining says while it runs. */
export type PretrainProgress = {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly total: number;
  /** Share of the time since this call began its first epoch in which no batch was ready, 0 to 1. */
  readonly waiting: number;
};

export type PretrainOptions = Surroundings & {
  readonly experiment: CheckedExperiment;
  readonly config: ModelConfig;
  readonly source: BatchSource;
  readonly execute: Execute;
  readonly folder: RunFolder;
  /** Where the model starts; fresh unless given. */
  readonly start?: ModelParams<FloatTensor>;
  readonly onStep?: (progress: PretrainProgress) => void;
};

export type Pretrained = {
  readonly params: ModelParams<FloatTensor>;
  /** False when it was asked to stop before the last epoch. */
  readonly finished: boolean;
  readonly steps: number;
};

/** The file a run keeps what it needs to go on in. */
export const STATE_FILE = "state.safetensors";

/** Of the teacher, where an experiment asks for one without saying (BYOL, Grill et al. 2020). */
const DEFAULT_MOMENTUM = 0.996;

const copyOf = <T>(tree: T): T => mapTree(tree, (leaf: FloatTensor) => float32(leaf.shape, leaf.data.slice())) as T;

/** teacher ← momentum · teacher + (1 − momentum) · student, in place. */
function follow(teacher: unknown, student: unknown, momentum: number): void {
  const from = treeLeaves<FloatTensor>(student);
  for (const [index, [, { data }]] of treeLeaves<FloatTensor>(teacher).entries()) {
    const other = from[index][1].data;
    for (let i = 0; i < data.length; i++) data[i] = momentum * data[i] + (1 - momentum) * other[i];
  }
}

/**
 * Pretrains a model, or goes on with a run that was stopped in this folder: at every checkpoint and on a stop signal
 * the whole state is saved, and the same batches follow.
 */
export async function pretrainSteps(options: PretrainOptions): Promise<Pretrained> {
  const { experiment, config, source, execute, folder, onStep, signal } = options;
  const clock = clockOf(options);
  const { optimizer: settings, training } = experiment;
  const objective = objectiveFor(experiment);
  const model = options.start ?? initModel(config, createRng(experiment.seed).fork("init"));
  const make = settings.kind === "adam" ? adam : adamW;
  const { betas, epsilon, weightDecay, clipNorm } = settings;
  const updates = make({ betas, epsilon, weightDecay });
  const cached = training.accumulate > 1 && training.accumulateContrast === "cached";
  const train: TrainStep<PretrainParams<Tensor>, PretrainBatch, AdamState> = cached
    ? createCachedStep(execute, pretrainLossInParts(config, objective, experiment.compat), updates, { clipNorm })
    : createTrainStep(execute, pretrainLoss(config, objective, experiment.compat), updates, { clipNorm });
  const params: PretrainParams<FloatTensor> = { model, weighting: objective.initParams() };
  const state = train.init(params as never);
  const momentum = experiment.teacher?.momentum ?? (objective.needs.teacher ? DEFAULT_MOMENTUM : undefined);
  const teacher = momentum === undefined ? undefined : { encoder: copyOf(model.encoder) };
  const trees = {
    params,
    first: state.optimizer.first,
    second: state.optimizer.second,
    ...(teacher === undefined ? {} : { teacher }),
  };

  const steps = training.epochs * Math.floor(source.stepsPerEpoch / training.accumulate);
  const perEpoch = Math.floor(source.stepsPerEpoch / training.accumulate);
  const rateAt = learningRateAt(experiment, perEpoch);
  let sums: Record<string, number> = {};
  let [seconds, waited] = [0, 0];
  const statePath = folder.file(STATE_FILE);
  const notes = await restoreState(statePath, trees, options.onNote);
  if (notes !== undefined) {
    state.step = notes.step as number;
    state.optimizer.updates = notes.updates as number;
    sums = notes.sums as Record<string, number>;
    seconds = notes.seconds as number;
    waited = (notes.waited as number | undefined) ?? 0;
  }
  const save = () =>
    saveState(statePath, trees, { step: state.step, updates: state.optimizer.updates, sums, seconds, waited });

  const first = clock();
  let [saved, waitedInAll] = [first, 0];
  const wait = (time: number) => {
    waited += time;
    waitedInAll += time;
  };
  try {
    for (let epoch = Math.floor(state.step / perEpoch); epoch < training.epochs; epoch++) {
      const done = state.step - epoch * perEpoch;
      const batchesLeft = source.batches(epoch, done * training.accumulate);
      for await (const group of clocked(grouped(batchesLeft, training.accumulate), clock, wait)) {
        const began = clock();
        const batches = group.map(
          (batch): HostPretrainBatch => (teacher === undefined ? batch : { ...batch, teacher }),
        );
        const report = await train.accumulate(state, batches as never, rateAt(state.step));
        if (teacher !== undefined && momentum !== undefined) follow(teacher.encoder, model.encoder, momentum);
        seconds += (clock() - began) / 1000;
        for (const [name, value] of Object.entries({ total: report.total, ...report.terms })) {
          sums[name] = (sums[name] ?? 0) + value;
        }
        const waiting = (1000 * waitedInAll) / (clock() - first);
        onStep?.({ step: state.step, steps, epoch, total: report.total, waiting });
        if (state.step % perEpoch === 0) break;
        if (signal?.aborted || clock() - saved > training.checkpointSeconds * 1000) {
          await save();
          saved = clock();
          if (signal?.aborted) return { params: model, finished: false, steps: state.step };
        }
      }
      const losses = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / perEpoch]));
      await folder.log({ epoch, step: state.step, learningRate: rateAt(state.step - 1), seconds, waited, losses });
      sums = {};
      [seconds, waited] = [0, 0];
      if (signal?.aborted || epoch === training.epochs - 1 || clock() - saved > training.checkpointSeconds * 1000) {
        await save();
        saved = clock();
        if (signal?.aborted && epoch < training.epochs - 1)
          return { params: model, finished: false, steps: state.step };
      }
    }
  } finally {
    await train.dispose();
  }
  return { params: model, finished: true, steps: state.step };
}

/** Groups of `size` batches; batches left over at the end are dropped. */
async function* grouped(batches: AsyncIterable<MaskedBatch>, size: number): AsyncIterable<readonly MaskedBatch[]> {
  let group: MaskedBatch[] = [];
  for await (const batch of batches) {
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
}

/** Passes items on, and says how long each was waited for, seconds. */
async function* clocked<T>(
  items: AsyncIterable<T>,
  clock: () => number,
  took: (seconds: number) => void,
): AsyncIterable<T> {
  let asked = clock();
  for await (const item of items) {
    took((clock() - asked) / 1000);
    yield item;
    asked = clock();
  }
}
