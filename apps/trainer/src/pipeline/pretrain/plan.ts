import { availableMemory } from "@kdc-mae/core/node";
import { expectNoFrames } from "../corpus/choose-clips.js";
import { countClips } from "../corpus/count-clips.js";
import { estimateMemory, expectRoom, type MemoryEstimate } from "../experiment/memory.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { expectNoOtherRun } from "../run/run-folder.js";
import type { RunOptions } from "../run/run-options.js";
import { ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { updatesOf } from "../train/epochs.js";
import { readBeforeClips } from "./before-clips.js";
import { flopPerClip } from "./flop-per-clip.js";
import { inPieces } from "./in-pieces.js";

/** What a pretraining would be. */
export type PretrainPlan = {
  /** Clips of all splits that the data name. */
  readonly clips: number;
  /** Those of them that are trained on. */
  readonly training: number;
  /** Updates in all. */
  readonly steps: number;
  /** Floating-point operations of the matrix products of the whole run. */
  readonly flop: number;
  readonly memory: MemoryEstimate;
  /** Bytes that this process may use. */
  readonly available: number;
};

/**
 * Works out what a pretraining would take, without decoding a clip.
 *
 * @throws KdcError for whatever `pretrain` refuses before it decodes: data that cannot be opened or are too few, a start or a
 * teacher that does not fit, a folder with another run
 */
export async function planPretraining(
  experiment: CheckedExperiment,
  { out, ...options }: Surroundings & Partial<Pick<RunOptions, "init" | "media" | "out">> = {},
): Promise<PretrainPlan> {
  const around = surroundingsOf(options);
  const { training, data, visual } = experiment;
  const { config } = await readBeforeClips(experiment, options);
  if (out !== undefined) await expectNoOtherRun(out, experiment);
  if (data.kind === "shards") expectNoFrames(visual.framesPerClip);
  const { piece } = inPieces(experiment, ranksOf(around));
  const { clips, training: fitted } = await countClips(experiment, around);
  const steps = training.epochs * updatesOf(fitted, training);
  return {
    ...{ clips, training: fitted },
    steps,
    flop: steps * training.accumulate * training.batch * flopPerClip(experiment),
    // Made clips are all decoded; of a list the training clips are.
    memory: estimateMemory(piece, config, experiment.data.kind === "synthetic" ? clips : fitted),
    available: availableMemory(),
  };
}

/**
 * Before anything is decoded: says where a run may not fit.
 *
 * @param clips that will be held in memory; none of a prepared set, which is read as it is needed
 * @throws KdcError (`memory`) where it will not
 */
export function expectRoomFor(experiment: CheckedExperiment, clips: number, around: Surroundings): void {
  const { piece } = inPieces(experiment, ranksOf(around));
  const note = expectRoom(estimateMemory(piece, configFor(experiment), clips), availableMemory());
  if (note !== undefined) around.onNote?.(note);
}
