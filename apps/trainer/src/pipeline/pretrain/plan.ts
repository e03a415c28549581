import { availableMemory } from "@kdc-mae/core/node";
import { countItems, openManifest, readShards } from "@kdc-mae/data/node";
import { remoteAccess } from "../corpus/remote-access.js";
import { stepsPerEpoch } from "../corpus/steps-per-epoch.js";
import { pretrainFlops } from "../experiment/flops.js";
import { estimateMemory, expectRoom, type MemoryEstimate } from "../experiment/memory.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { environmentOf, type Surroundings } from "../surroundings.js";

/** What a pretraining would be. */
export type PretrainPlan = {
  /** Clips of all splits that would be read. */
  readonly clips: number;
  /** Of the training clips: updates in all. */
  readonly steps: number;
  /** Floating-point operations of the matrix products of the whole run. */
  readonly flop: number;
  readonly memory: MemoryEstimate;
  /** Bytes that this process may use. */
  readonly available: number;
};

type Counted = { readonly clips: number; readonly training: number };

/** Clips of a data source, told by its list and not by its media. */
async function countClips(data: CheckedExperiment["data"], around: Surroundings): Promise<Counted> {
  if (data.kind === "synthetic") return { clips: data.train + data.validation + data.test, training: data.train };
  if (data.kind === "manifest") {
    const clips = await countItems(await openManifest(data.path, { mediaRoot: data.mediaRoot }));
    return { clips, training: clips };
  }
  const reader = await readShards(data.path, { split: data.split, remote: remoteAccess(environmentOf(around)) });
  await reader.close();
  return { clips: reader.count, training: reader.count };
}

/**
 * Works out what a pretraining would take, without decoding a clip or making a weight. Clips of a manifest are counted
 * whatever their split.
 *
 * @throws KdcError for data that cannot be opened, or are fewer than a batch
 */
export async function planPretraining(experiment: CheckedExperiment, around: Surroundings = {}): Promise<PretrainPlan> {
  const config = configFor(experiment);
  const { masking, training } = experiment;
  const counted = await countClips(experiment.data, around);
  const steps = training.epochs * Math.floor(stepsPerEpoch(counted.training, training.batch) / training.accumulate);
  const ratio = { audio: masking.audioRatio, visual: masking.visualRatio };
  return {
    clips: counted.clips,
    steps,
    flop: steps * training.accumulate * training.batch * pretrainFlops(config, masking.views, ratio),
    memory: estimateMemory(experiment, config, counted.clips),
    available: availableMemory(),
  };
}

/**
 * Before anything is decoded: says where a run may not fit.
 *
 * @throws KdcError (`memory`) where it will not
 */
export async function expectRoomFor(experiment: CheckedExperiment, around: Surroundings): Promise<void> {
  // Lists are counted where they are opened, and their clips' memory is looked at there.
  const clips = experiment.data.kind === "synthetic" ? (await countClips(experiment.data, around)).clips : 0;
  const note = expectRoom(estimateMemory(experiment, configFor(experiment), clips), availableMemory());
  if (note !== undefined) around.onNote?.(note);
}
