import { KdcError } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import type { ModelConfig } from "@kdc-mae/model";
import { protocolsNamed } from "../evaluate/protocols/run.js";
import { expectTaken } from "../evaluate/protocols/takes.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { type PretrainFromOptions, type Pretraining, pretrain } from "../pretrain/from-experiment.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { readEncoder, readSaved } from "../run/read-saved.js";
import { surroundingsOf } from "../surroundings.js";
import { encoderSum } from "../train/encoder-sum.js";
import { type ComparedModel, compareModels, expectClipsFor, MEASURED, writeComparison } from "./compare-models.js";

/** From what a student learns, and where its run goes. */
export type DistillOptions = Omit<PretrainFromOptions, "init" | "stopOnCollapse"> & {
  /** What the student is trained on and how; the teacher's own experiment unless given. */
  readonly experiment?: CheckedExperiment;
  /** Laid over the student's experiment: its sizes (`model`), `objective`, `training` … */
  readonly changes?: readonly unknown[];
  /** Under which both are measured when it is done. */
  readonly protocols?: readonly string[];
};

/** How a distillation ended. */
export type Distillation = Pretraining & {
  /** Teacher and student beside each other, where the run is finished. */
  readonly compared?: readonly ComparedModel[];
};

/** Under which teacher and student are measured unless others are named. */
export const usualProtocols: readonly string[] = ["retrieval-middle-frame", "linear-probe-joint"];

const half = (count: number) => Math.max(1, Math.ceil(count / 2));

/**
 * Sizes of a student: half the channels, heads and blocks of the teacher, on the same patches. What a base says and the
 * teacher's student has no use for (`pruned`, `predictor`, another's locality) is taken out.
 */
function studentOf({ embedDim, heads, modalityDepth, audio, visual, visualLocality }: ModelConfig) {
  const fewer = heads % 2 === 0 ? heads / 2 : heads;
  return {
    ...{ embedDim: embedDim / 2, heads: fewer, modalityDepth: half(modalityDepth), audio, visual },
    ...{ pruned: null, predictor: null },
    visualLocality: visualLocality?.filter((_, at) => fewer === heads || at % 2 === 0) ?? null,
  };
}

/** Half of each clip hidden: reconstruction keeps the decoder of use, and the teacher says what the whole clip is. */
const taught = {
  masking: {
    ...{ kind: "independent", views: 1, audioRatio: 0.5, visualRatio: 0.5, audioStructure: "none" },
    ...{ contrast: null, temperature: null },
  },
  objective: [
    { term: "reconstruction-audio", weight: 1 },
    { term: "reconstruction-visual", weight: 1 },
    { term: "teacher-cosine", weight: 10 },
    { term: "teacher-relations", weight: 10 },
  ],
  weighting: "fixed",
  teacher: null,
} as const;

/**
 * The experiment of a student: the teacher's, or another one's data and training, with half its sizes and its embeddings as the
 * target.
 *
 * @throws KdcError for a teacher that says no experiment, and sizes that make no model
 */
export async function studentExperiment(teacher: string, options: DistillOptions): Promise<CheckedExperiment> {
  const { changes = [] } = options;
  const saved = await readEncoder(teacher, surroundingsOf(options));
  const { config, params, statistics } = saved;
  const own = "masking" in saved.experiment && saved.assumed === undefined ? saved.experiment : undefined;
  const base = options.experiment ?? own;
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where: `teacher ${teacher}`, what, remedy, reason: "wrong-model" });
  };
  if (base === undefined) {
    return refuse("it names no data to train a student on", "Name an experiment whose data it learns from");
  }
  if (statistics.sampleRate !== undefined && statistics.sampleRate !== 16_000) {
    return refuse(`it takes sound of ${statistics.sampleRate} Hz`, "Experiments use sound of 16,000 Hz");
  }
  const { mean, std } = statistics;
  // A model with a window says the patches it hears, not how long the clips are that they are taken from.
  const { window = null, seconds = null } = pairingOf(saved.experiment);
  const student = withChanges(base, {
    ...taught,
    name: `${base.name}-student`,
    model: studentOf(config),
    audio: { statistics: { mean, std } },
    visual: { window, seconds },
    fixedTeacher: { model: teacher, sum: encoderSum(params.encoder) },
  });
  return checkExperiment(changes.reduce(withChanges, student), "the student's experiment");
}

/**
 * Trains a smaller model on a larger one's embeddings: cosine, and how clips lie to one another (RKD). It is a pretraining like
 * any other: it goes on where it was stopped, and leaves an ordinary model; then both are measured beside each other.
 *
 * @param teacher a model's file, or its address on a hub
 * @throws KdcError for a teacher or options that make no student, and as `pretrain` does
 */
export async function distill(teacher: string, options: DistillOptions): Promise<Distillation> {
  const { experiment: _, changes: __, protocols = usualProtocols, ...run } = options;
  const chosen = protocolsNamed(protocols);
  const experiment = await studentExperiment(teacher, options);
  // Before the student is trained, which may take days.
  const student = { model: { config: configFor(experiment), experiment } };
  for (const one of [await readSaved(teacher, surroundingsOf(options)), student]) {
    for (const record of chosen) expectTaken(record, one, MEASURED);
  }
  await expectClipsFor(chosen, experiment, surroundingsOf(options));
  const trained = await pretrain(experiment, run);
  const { file } = trained;
  if (file === undefined) return trained;
  const compared = await compareModels(
    [
      { name: "teacher", file: teacher },
      { name: "student", file },
    ],
    {
      ...surroundingsOf(options),
      media: options.media,
      on: experiment,
      execute: options.execute ?? compiled(),
      protocols,
    },
  );
  await writeComparison(options.out, compared);
  return { ...trained, compared };
}
