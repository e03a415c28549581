import { type FloatTensor, type HostPatches, KdcError, type Stream } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import type { ModelConfig } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import { createBatchEmbedder } from "../evaluate/embedding.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { BatchSource } from "../pretrain/masked-batches.js";
import { readEncoder } from "../run/read-saved.js";
import type { Surroundings } from "../surroundings.js";
import { encoderSum } from "../train/encoder-sum.js";
import { type Directions, inDirections, principalDirections } from "./principal.js";

/** What a teacher makes of whole clips: the mean token of each stream, `[B, 1, D]` in the student's channels. */
export type Taught = Readonly<Record<Stream, FloatTensor>>;

/** A trained model whose embeddings another one learns. */
export type FixedTeacher = {
  teach(patches: HostPatches): Promise<Taught>;
  dispose(): Promise<void>;
};

/** Clips that say in which directions a wider teacher's embeddings lie. */
const LOOKED_AT = 512;
const streams: readonly Stream[] = ["joint", "audio", "visual"];
/** Hz of the sound that experiments train on. */
const EXPERIMENTS_RATE = 16_000;

/** The model that teaches, as it is read before any clip is. */
export type Teacher = Pick<Awaited<ReturnType<typeof readEncoder>>, "config" | "params" | "statistics">;

/** The teacher of an experiment, where it names one. */
export const teacherIn = async (
  { fixedTeacher }: Pick<CheckedExperiment, "fixedTeacher">,
  student: ModelConfig,
  around: Surroundings,
): Promise<Teacher | undefined> => fixedTeacher && readTeacher(fixedTeacher, student, around);

/**
 * Reads the teacher of an experiment.
 *
 * @throws KdcError (`wrong-model`) for another model than the one the experiment was begun with, one that sees clips otherwise,
 * or one with fewer channels than the student
 */
export async function readTeacher(
  { model: path, sum }: NonNullable<CheckedExperiment["fixedTeacher"]>,
  student: ModelConfig,
  around: Surroundings,
): Promise<Teacher> {
  const { config, params, statistics } = await readEncoder(path, around);
  const refuse = (what: string, remedy: string): never => {
    throw new KdcError({ where: `teacher ${path}`, what, remedy, reason: "wrong-model" });
  };
  if (encoderSum(params.encoder) !== sum) {
    refuse("it is not the model that this run was begun with", "Put that one back, or give another folder with --out");
  }
  if (JSON.stringify([config.audio, config.visual]) !== JSON.stringify([student.audio, student.visual])) {
    refuse("it cuts clips into other patches than the student", "Leave model.audio and model.visual as the teacher's");
  }
  const { sampleRate = EXPERIMENTS_RATE } = statistics;
  if (sampleRate !== EXPERIMENTS_RATE) {
    refuse(`it takes sound of ${sampleRate} Hz`, "Give one that takes 16,000 Hz, as experiments do");
  }
  if (student.embedDim > config.embedDim) {
    const what = `it has ${config.embedDim} channels and the student ${student.embedDim}`;
    refuse(what, "Give the student no more (model.embedDim)");
  }
  return { config, params, statistics };
}

/** Sound normalised by one mean and deviation as another would have had it. */
function normalisedAs(patches: HostPatches, own: Statistics, its: Statistics): HostPatches {
  if (own.mean === its.mean && own.std === its.std) return patches;
  const [scale, offset] = [own.std / its.std, (own.mean - its.mean) / its.std];
  return { ...patches, audio: { ...patches.audio, data: patches.audio.data.map((value) => value * scale + offset) } };
}

/**
 * Makes a teacher ready. It hears sound as it was normalised for itself. Where it has other channels than the student, its
 * embeddings are seen in the directions, as many as the student's channels, that hold most of them; they are worked out on the
 * clips of the first updates, the same each time and however a batch is divided.
 *
 * @param statistics what the student's batches are normalised with
 */
export async function openTeacher(
  teacher: Teacher,
  student: ModelConfig,
  {
    experiment,
    source,
    statistics,
    execute,
    ...around
  }: Surroundings & {
    readonly experiment: Pick<CheckedExperiment, "training">;
    readonly source: BatchSource;
    readonly statistics: Statistics;
    readonly execute: Execute;
  },
): Promise<FixedTeacher> {
  const { config, params } = teacher;
  const embedder = createBatchEmbedder(execute, config, params);
  const whole = async (patches: HostPatches): Promise<Taught> => {
    const { joint, audio, visual } = await embedder.embed(normalisedAs(patches, statistics, teacher.statistics));
    return { joint, audio, visual };
  };
  const directions = student.embedDim === config.embedDim ? undefined : await directionsOf();

  async function directionsOf(): Promise<Directions> {
    const seen: Float32Array[] = [];
    const together = experiment.training.accumulate * (source.pieces ?? 1);
    const updates = Math.max(1, Math.floor(source.stepsPerEpoch / together));
    let batches = 0;
    for await (const { patches } of source.batches(0, 0, (batch) => batch < updates * together)) {
      const taught = await whole(patches);
      for (const { data } of streams.map((stream) => taught[stream])) {
        for (let at = 0; at < data.length; at += config.embedDim) seen.push(data.slice(at, at + config.embedDim));
      }
      batches += 1;
      if (seen.length >= streams.length * LOOKED_AT && batches % together === 0) break;
      around.signal?.throwIfAborted();
    }
    const found = principalDirections(seen, student.embedDim);
    around.onNote?.(
      `the student's ${student.embedDim} channels hold ${(100 * found.kept).toFixed(1)} % of the teacher's embeddings of ${config.embedDim}`,
    );
    return found;
  }

  const lined = (vectors: FloatTensor): FloatTensor => {
    const own = directions === undefined ? vectors : inDirections(vectors, directions);
    const [B, D] = own.shape;
    return { ...own, data: own.data.slice(), shape: [B, 1, D] };
  };
  return {
    async teach(patches) {
      const { joint, audio, visual } = await whole(patches);
      return { joint: lined(joint), audio: lined(audio), visual: lined(visual) };
    },
    dispose: embedder.dispose,
  };
}
