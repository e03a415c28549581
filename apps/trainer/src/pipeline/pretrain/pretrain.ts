import { createRng, type FloatTensor, KdcError } from "@kdc-mae/core";
import { computesOn, createCachedStep, createTrainStep, type Execute, type Placed } from "@kdc-mae/engine";
import { initModel, type ModelConfig, type ModelParams } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { RunWatch } from "../log/observe-run.js";
import { trainObserved } from "../log/train-observed.js";
import type { HeldOut } from "../probe/held-out.js";
import { createProber } from "../probe/probe-model.js";
import { timed } from "../ranks/timed.js";
import type { RunFolder } from "../run/run-folder.js";
import { saveModel } from "../run/save-model.js";
import type { FixedTeacher } from "../small/fixed-teacher.js";
import { clockOf, ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { copyOf } from "../train/average.js";
import { bytesIn } from "../train/disk-space.js";
import { encoderSum } from "../train/encoder-sum.js";
import { type LossScaleNote, withLossScale } from "../train/loss-scale-note.js";
import { optimizerFor } from "../train/optimizer.js";
import type { TrainOptions } from "../train/train.js";
import type { Trainee } from "../train/trainee.js";
import { createViewDrawer } from "./draw-views.js";
import { forwardOf, type HostPretrainBatch, type PretrainParams, pretrainLoss, pretrainLossInParts } from "./loss.js";
import type { BatchSource, MaskedBatch } from "./masked-batches.js";
import { objectiveContrasts, objectiveFor, teacherOf } from "./objective.js";

export type PretrainStepsOptions = Surroundings & {
  readonly experiment: CheckedExperiment;
  readonly config: ModelConfig;
  readonly source: BatchSource;
  /** What the batches are normalised with, for models that are kept on the way. */
  readonly statistics: Statistics;
  readonly execute: Execute;
  readonly folder: RunFolder;
  /** Where the model starts; fresh unless given. */
  readonly start?: ModelParams<FloatTensor>;
  readonly onStep?: TrainOptions["onStep"];
  readonly acceptChangedData?: TrainOptions["acceptChangedData"];
} & Pick<RunWatch, "loggers" | "stopOnCollapse"> & {
    /** Clips that the run is looked at on, where it is. */
    readonly heldOut?: HeldOut;
    /** A trained model that teaches this one, in place of a moving average. */
    readonly fixedTeacher?: FixedTeacher;
  };

export type Pretrained = {
  readonly params: ModelParams<FloatTensor>;
  /** False when it was asked to stop before the last epoch. */
  readonly finished: boolean;
  readonly steps: number;
};

/** The model of the epoch with the smallest mean loss, where `training.keep.best` asks for it. */
const BEST_FILE = "best.safetensors";

/** What a run keeps beside its weights: what it began from, and its best epoch. */
type Notes = LossScaleNote & { readonly began: string; best?: { readonly epoch: number; readonly total: number } };

/** Share of the steps in which a model only begins: no collapse is reported for them. */
const BEGINNING = 0.05;

/**
 * Pretrains a model, or goes on with a run that was stopped in this folder.
 *
 * @throws KdcError when a start is given and the run in the folder began from another, and as {@link train} does
 */
export async function pretrainSteps(options: PretrainStepsOptions): Promise<Pretrained> {
  const { experiment, config, source, statistics, execute, folder, onStep, signal } = options;
  const { optimizer: settings, training } = experiment;
  const objective = objectiveFor(experiment);
  const model = options.start ?? initModel(config, createRng(experiment.seed).fork("init"));
  const updates = optimizerFor<PretrainParams<FloatTensor>>(settings);
  const ranks = timed(ranksOf(options), clockOf(options));
  const momentum = teacherOf(experiment)?.momentum;
  const teacher = momentum === undefined ? undefined : { encoder: copyOf(model.encoder) };
  const limits = {
    ...{ clipNorm: settings.clipNorm, signal, peers: ranks, exact: training.reproducible },
    follower: teacher && { name: "teacher", tree: teacher, of: "model", momentum: momentum as number },
  };
  const forward = forwardOf(experiment);
  const { pieces = 1 } = source;
  const cached =
    (training.accumulate > 1 && training.accumulateContrast === "cached") || (pieces > 1 && objective.seesAllClips);
  const stepper = cached
    ? createCachedStep(execute, pretrainLossInParts(config, objective, forward), updates, limits)
    : createTrainStep(execute, pretrainLoss(config, objective, forward), updates, limits);
  const params: PretrainParams<FloatTensor> = { model, weighting: objective.initParams() };
  const state = stepper.init(params);
  const drawer = createViewDrawer(
    execute,
    config,
    async () => {
      const { params, follower } = await stepper.current(state);
      return { model: params.model, teacher: follower as Placed<typeof teacher> };
    },
    experiment,
  );
  const notes: Notes = { began: encoderSum(model.encoder) };
  const { began } = notes;
  const save = (file: string) => saveModel(file, { config, params: model, statistics, experiment });

  const trainee: Trainee<MaskedBatch> = {
    ...{ spent: ranks.spent, source, state, notes, modelBytes: bytesIn(model), saveModel: save },
    optimizer: {
      counters: () => updates.counters(state.optimizer),
      restore: (counters) => updates.restore(state.optimizer, counters),
    },
    ...{ collect: () => stepper.collect(state), changed: withLossScale(stepper, notes) },
    trees: {
      params,
      ...updates.slots(state.optimizer),
      ...(teacher === undefined ? {} : { teacher }),
    },
    expectOwn(saved) {
      // Whoever gives no checkpoint goes on from whatever the run began with.
      if (options.start === undefined || (saved.own as Notes | undefined)?.began === began) return;
      throw new KdcError({
        where: `run folder ${folder.path}`,
        what: "its run began from another checkpoint than --init, which would not be read",
        remedy: "Leave --init out, or give the same, or another folder with --out",
        reason: "run-folder",
      });
    },
    async update(group, rate) {
      const batches: (HostPretrainBatch | undefined)[] = [];
      for (const batch of group) {
        if (batch === undefined) batches.push(undefined);
        else {
          const taught = await options.fixedTeacher?.teach(batch.patches);
          batches.push({ ...(await drawer.draw(batch)), ...(taught && { taught }) });
        }
      }
      return stepper.accumulate(state, batches, rate);
    },
    async endEpoch(epoch, { total }) {
      if (!training.keep?.best || total === undefined || total >= (notes.best?.total ?? Number.POSITIVE_INFINITY))
        return { isBest: false };
      notes.best = { epoch: epoch + 1, total };
      if (ranks.rank === 0) await save(folder.file(BEST_FILE));
      return { isBest: true };
    },
  };
  const { loggers, stopOnCollapse } = options;
  const heldOut = ranks.rank === 0 ? options.heldOut : undefined;
  const prober =
    heldOut &&
    createProber({
      ...{ execute, config, experiment, statistics, heldOut, folder: folder.path },
      model: async () => {
        await stepper.collect(state);
        return model;
      },
    });
  const ended = await trainObserved(
    trainee,
    {
      ...{ ...surroundingsOf(options), experiment, folder, onStep },
      acceptChangedData: options.acceptChangedData,
    },
    {
      ...{ name: experiment.name, clips: training.batch * training.accumulate, loggers, stopOnCollapse, prober },
      on: computesOn(execute),
      contrast: objectiveContrasts(experiment),
      warmup: (steps, perEpoch) => Math.max((experiment.schedule.warmup ?? 0) * perEpoch, BEGINNING * steps),
    },
  ).finally(async () => {
    await prober?.dispose();
    await drawer.dispose();
    await stepper.dispose();
  });
  return { params: model, ...ended };
}
