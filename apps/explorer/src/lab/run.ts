import { createRng, type FloatTensor, KdcError, treeLeaves } from "@kdc-mae/core";
import { createTrainStep } from "@kdc-mae/engine";
import { initModel, type ModelConfig, parseSafetensors, safetensorsChunks, stateDict } from "@kdc-mae/model";
import {
  type CheckedExperiment,
  clipFormFor,
  configFor,
  forwardOf,
  heldClips,
  learningRateAt,
  maskedBatches,
  modelNotes,
  objectiveFor,
  optimizerFor,
  type PretrainParams,
  pairingOf,
  pretrainLoss,
  type SavedModel,
  type StoredClip,
  teacherOf,
} from "@kdc-mae/trainer/recipe";
import type { Engine } from "./engine.js";

/** What a step says. */
export type Step = {
  readonly step: number;
  readonly steps: number;
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly rate: number;
};

export type TrainingRun = {
  readonly config: ModelConfig;
  readonly steps: number;
  /** Steps that were taken, here and before. */
  readonly taken: () => number;
  /** Takes steps until it is told to stop or all are taken. */
  readonly go: (isStopped: () => boolean, onStep: (step: Step) => Promise<void> | void) => Promise<void>;
  /** Brings the model's arrays up to date. */
  readonly model: () => Promise<SavedModel>;
  /** Everything that going on takes. */
  readonly state: (notes: unknown) => Promise<Uint8Array>;
  readonly dispose: () => Promise<void>;
};

/** Pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A model as a file that the command line takes, bytes of safetensors. */
export const modelBytes = (saved: SavedModel): Uint8Array => {
  const metadata = { ...modelNotes(saved), config: JSON.stringify(saved.config) };
  return joined(safetensorsChunks(stateDict(saved.config, saved.params), metadata));
};

/** What `training.checkpointSeconds` is where nothing is said. */
const usualSeconds = 300;

/** The demo's recipe with what a person changed of it. @throws KdcError for what a page cannot train */
export function expectTrainable(experiment: CheckedExperiment): CheckedExperiment {
  const refuse = (what: string) => {
    throw new KdcError({ where: "training here", what, remedy: "Train it with kdc-mae pretrain", reason: "usage" });
  };
  if (experiment.masking.kind === "adaptive") refuse("masks drawn by a network need the command line");
  if (experiment.training.accumulate > 1) refuse("accumulated batches need the command line");
  if (teacherOf(experiment) !== undefined) refuse("what looks at a moving-average teacher needs the command line");
  if (experiment.fixedTeacher !== undefined) refuse("a teacher that is a file needs the command line");
  if (experiment.data.kind !== "synthetic") refuse(`data.kind ${experiment.data.kind} needs the command line`);
  const { training, data } = experiment;
  const unread = [
    ...(["microBatch", "reproducible", "keep", "rollback", "probes", "accumulateContrast"] as const)
      .filter((key) => training[key] !== undefined)
      .map((key) => `training.${key}`),
    // Kept every few seconds, whatever is said.
    ...(training.checkpointSeconds === usualSeconds ? [] : ["training.checkpointSeconds"]),
    ...(["decoder", "workers", "scene"] as const).filter((key) => key in data).map((key) => `data.${key}`),
  ];
  if (unread.length > 0) refuse(`${unread.join(", ")} ${unread.length === 1 ? "is" : "are"} not read here`);
  return experiment;
}

type Kept = { readonly step: number; readonly counters: Readonly<Record<string, number>>; readonly notes: unknown };

/** What was kept of a run, apart from its tensors. */
export const keptNotes = (bytes: Uint8Array): Kept => JSON.parse(parseSafetensors(bytes).metadata.run) as Kept;

/**
 * Opens a run: the trainer's own recipe, batches, objective, optimizer and schedule; the same losses step by step as
 * the command line has of the same clips.
 *
 * @param kept what {@link TrainingRun.state} gave, to go on from
 */
export async function openRun(
  given: CheckedExperiment,
  clips: readonly StoredClip[],
  engine: Engine,
  kept?: Uint8Array,
): Promise<TrainingRun> {
  const experiment = expectTrainable(given);
  const config = configFor(experiment);
  const form = clipFormFor(config, pairingOf(experiment));
  const { source, statistics } = await maskedBatches(experiment, heldClips(clips, form));
  const objective = objectiveFor(experiment);
  const { clipNorm } = experiment.optimizer;
  const updates = optimizerFor<PretrainParams<FloatTensor>>(experiment.optimizer);
  const loss = pretrainLoss(config, objective, forwardOf(experiment));
  const stepper = createTrainStep(engine.execute, loss, updates, { clipNorm });
  const params: PretrainParams<FloatTensor> = {
    model: initModel(config, createRng(experiment.seed).fork("init")),
    weighting: objective.initParams(),
  };
  const state = stepper.init(params);
  const leaves = () => treeLeaves<FloatTensor>({ params, ...updates.slots(state.optimizer) });
  if (kept !== undefined) {
    const { tensors } = parseSafetensors(kept);
    for (const [path, { data }] of leaves()) data.set(tensors[path].data);
    const { step, counters } = keptNotes(kept);
    state.step = step;
    updates.restore(state.optimizer, counters);
    stepper.changed();
  }
  const perEpoch = source.stepsPerEpoch;
  const steps = experiment.training.epochs * perEpoch;
  const rateAt = learningRateAt(experiment, perEpoch);
  const model = async (): Promise<SavedModel> => {
    await stepper.collect(state);
    return { config, params: params.model, statistics, experiment };
  };
  return {
    ...{ config, steps, model },
    taken: () => state.step,
    async go(isStopped, onStep) {
      while (state.step < steps) {
        const epoch = Math.floor(state.step / perEpoch);
        for await (const batch of source.batches(epoch, state.step % perEpoch)) {
          if (isStopped()) return;
          const rate = rateAt(state.step);
          const { total, terms } = await stepper.step(state, batch, rate);
          await onStep({ step: state.step, steps, total, terms, rate });
        }
        if (isStopped()) return;
      }
    },
    async state(notes) {
      await stepper.collect(state);
      const run: Kept = { step: state.step, counters: updates.counters(state.optimizer), notes };
      return joined(safetensorsChunks(Object.fromEntries(leaves()), { run: JSON.stringify(run) }));
    },
    dispose: () => stepper.dispose(),
  };
}
