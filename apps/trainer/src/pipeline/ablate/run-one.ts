import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Execute } from "@kdc-mae/engine";
import { clipFormFor } from "../corpus/clip-form.js";
import type { LoadedSplits } from "../corpus/load-clips.js";
import { clipsInMemory } from "../corpus/training-clips.js";
import { evaluateTasks } from "../evaluate/evaluate.js";
import { subjectOf } from "../evaluate/open-subject.js";
import { recordingsById } from "../evaluate/parts-of-recordings.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { flopPerClip } from "../pretrain/flop-per-clip.js";
import { maskedBatches } from "../pretrain/masked-batches.js";
import type { Pretrained } from "../pretrain/pretrain.js";
import { MODEL_FILE, runPretraining } from "../pretrain/run-pretraining.js";
import { heldOutOf } from "../probe/held-out.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { readModel } from "../run/read-saved.js";
import { inRunFolder, type RunFolder, STATE_FILE } from "../run/run-folder.js";
import { clockOf, machineInWords, type Surroundings, surroundingsOf } from "../surroundings.js";
import { runFigures } from "./figures.js";
import { type Outcome, writeOutcome } from "./outcome.js";
import type { PlannedRun } from "./plan.js";

/** The clips that figures are of. */
export type Scored = "test" | "validation";

/** The clips of all runs, and what is to be read with care of them. */
export type AblatedClips = LoadedSplits & Pick<Outcome, "near">;

/** What all runs of an ablation share. */
export type RunContext = Surroundings & {
  /** Evaluation masks as the base does, whatever an arm trains with. */
  readonly base: CheckedExperiment;
  readonly corpus: AblatedClips;
  readonly scored: Scored;
  readonly execute: Execute;
  readonly engine: string;
};

/**
 * Trains and evaluates one run, or goes on with it where it was stopped.
 *
 * @returns undefined when it was asked to stop before the end (the state is saved)
 */
export const runOne = ({ experiment, folder }: PlannedRun, context: RunContext): Promise<Outcome | undefined> =>
  inRunFolder(folder, experiment, (opened) => runIn(opened, context));

/** The model of a run that was trained to the end, whose evaluation alone is missing. */
async function trainedBefore(folder: RunFolder): Promise<Pretrained | undefined> {
  const file = folder.file(MODEL_FILE);
  if (!existsSync(file)) return undefined;
  const steps = (await folder.readLog()).at(-1)?.step ?? 0;
  return { params: (await readModel(file)).params, finished: true, steps };
}

async function runIn(folder: RunFolder, context: RunContext): Promise<Outcome | undefined> {
  const { experiment, path } = folder;
  const { base, corpus, scored, execute, engine, signal } = context;
  const clock = clockOf(context);
  const { splits, leftOut } = corpus;
  const config = configFor(experiment);
  const form = clipFormFor(config, pairingOf(experiment));
  const { source, statistics, loader } = await maskedBatches(experiment, clipsInMemory(splits.train, form));
  const around = surroundingsOf(context);
  const train = async (): Promise<Pretrained> => {
    const heldOut = heldOutOf(splits, experiment.training.probes, around);
    return runPretraining({ ...around, folder, config, source, statistics, heldOut, execute });
  };
  const trained = await trainedBefore(folder)
    .then((before) => before ?? train())
    .finally(loader.close);
  if (!trained.finished || signal?.aborted) return undefined;

  const began = clock();
  const model = { config, params: trained.params, statistics, experiment: { ...experiment, masking: base.masking } };
  const evaluated = subjectOf(
    model,
    { ...splits, test: splits[scored] },
    { execute, leftOut: leftOut[scored] ?? {}, batch: base.training.batch },
  );
  const evaluation = await evaluateTasks(evaluated).finally(evaluated.cutting.cutter.close);
  const evaluateSeconds = (clock() - began) / 1000;
  const { specs, figures } = runFigures(
    evaluation,
    splits[scored].map(({ item }) => item.id),
  );
  const recordings = recordingsById(splits[scored].map(({ item }) => item));
  const { batch, accumulate } = experiment.training;
  const clips = trained.steps * batch * accumulate;
  const outcome: Outcome = {
    format: 1,
    run: {
      seed: experiment.seed,
      figures,
      ...(Object.keys(recordings).length === 0 ? {} : { recordings }),
      cost: {
        pretrainSeconds: (await folder.readLog()).reduce((sum, { seconds }) => sum + seconds, 0),
        evaluateSeconds,
        steps: trained.steps,
        clipViews: clips * experiment.masking.views,
        flop: clips * flopPerClip(experiment),
      },
    },
    figures: specs,
    engine,
    machine: machineInWords(),
    ...(corpus.near === undefined ? {} : { near: corpus.near }),
  };
  await writeOutcome(path, outcome);
  await rm(folder.file(STATE_FILE), { force: true });
  return outcome;
}
