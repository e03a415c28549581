import { passedOverInWords } from "@kdc-mae/data/node";
import { compiled } from "@kdc-mae/engine/node";
import { expectNoFrames, fittedSplit, sayPlacing } from "../corpus/choose-clips.js";
import { clipFormFor } from "../corpus/clip-form.js";
import { type CorpusOptions, openCorpus } from "../corpus/open-corpus.js";
import { clipsInMemory, clipsInShards } from "../corpus/training-clips.js";
import { expectShards, verifyData } from "../corpus/verify-data.js";
import { withChanges } from "../experiment/change.js";
import { checkExperiment } from "../experiment/check.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { heldOutClips } from "../probe/held-out.js";
import { configFor, type SavedModel } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { inRunFolder, type RunFolder } from "../run/run-folder.js";
import type { RunOptions } from "../run/run-options.js";
import { notesOnce, ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { updatesOf } from "../train/epochs.js";
import { readBeforeClips } from "./before-clips.js";
import { maskedBatches, type PretrainBatches } from "./masked-batches.js";
import { expectRoomFor } from "./plan.js";
import { MODEL_FILE, runPretraining } from "./run-pretraining.js";

/** Where {@link pretrain} begins (`init` may be a CAV-MAE, KDC-MAE or ImageNet MAE checkpoint) and where its run goes. */
export type PretrainFromOptions = RunOptions & {
  /** Ends the run where its model collapses; looks at held-out clips though the experiment asks for no probes. */
  readonly stopOnCollapse?: boolean;
};

/** How a pretraining ended. */
export type Pretraining = {
  /** False when it was asked to stop before the last epoch; the state is saved, and the same call goes on. */
  readonly finished: boolean;
  readonly steps: number;
  /** The run's folder. */
  readonly folder: string;
  /** The model, and the file it is in, where the run is finished. */
  readonly model?: SavedModel;
  readonly file?: string;
};

/**
 * Pretrains an experiment: opens its data, trains, and leaves checkpoints, a log and the model in a folder.
 *
 * @throws KdcError for data, a checkpoint or a folder that does not fit the experiment
 * @example
 * const { model } = await pretrain(await loadExperiment("kdc-mae-base"), { out: "runs/base" });
 */
export async function pretrain(asked: CheckedExperiment, options: PretrainFromOptions): Promise<Pretraining> {
  const experiment = options.stopOnCollapse ? withProbes(asked) : asked;
  const { out, init, verify = false, execute = compiled() } = options;
  const around = surroundingsOf(options);
  const ranks = ranksOf(around);
  const { config, media, start, teacher } = await readBeforeClips(experiment, {
    ...around,
    init,
    media: options.media,
  });
  if (verify) expectShards([experiment.data]);
  const work = async (folder: RunFolder): Promise<Pretraining> => {
    if (verify) await verifyData([experiment.data], around);
    const { acceptChangedData, loggers, stopOnCollapse } = options;
    const { probes } = experiment.training;
    // Both open the same data.
    const opening = notesOnce(around);
    // The few first: where there are none, no others need be decoded.
    const heldOut =
      ranks.rank === 0 && probes ? await heldOutClips(experiment, probes, config, { ...opening, media }) : undefined;
    const { source, statistics, loader } = await openPretraining(experiment, media, opening);
    const trained = await runPretraining({
      ...{ ...around, teacher, folder, config, source, statistics, execute, start, acceptChangedData },
      ...{ heldOut, loggers, stopOnCollapse },
    }).finally(loader.close);
    const { params, finished, steps } = trained;
    if (!finished) return { finished, steps, folder: out };
    const model = { config, params, statistics, experiment };
    return { finished, steps, folder: out, model, file: folder.file(MODEL_FILE) };
  };
  return inRunFolder(out, experiment, work, ranks);
}

/** The experiment with probes, the usual ones where it asks for none. */
const withProbes = (experiment: CheckedExperiment): CheckedExperiment =>
  experiment.training.probes === undefined
    ? checkExperiment(withChanges(experiment, { training: { probes: {} } }), experiment.name)
    : experiment;

/** Where the batches come from: prepared shards as they are needed, or clips decoded into memory. */
export async function openPretraining(
  experiment: CheckedExperiment,
  media: string,
  around: Surroundings,
): Promise<PretrainBatches> {
  const { data, visual } = experiment;
  const split = fittedSplit(data);
  const form = clipFormFor(configFor(experiment), pairingOf(experiment));
  const uses = { [split]: "fitted" } as const;
  if (data.kind === "shards") {
    expectNoFrames(visual.framesPerClip);
    expectRoomFor(experiment, 0, around);
    const batches = await maskedBatches(experiment, await clipsInShards(data, split, form, around), ranksOf(around));
    const { placing, passedOver } = batches.loader;
    if (placing !== undefined) sayPlacing(data, placing, { uses }, around);
    const passed = passedOver && passedOverInWords(passedOver);
    if (passed !== undefined) around.onNote?.(passed);
    return batches;
  }
  const only = [split];
  const expectRoom = (clips: number) => expectRoomFor(experiment, clips, around);
  const expectItems: CorpusOptions["expectItems"] = (_, counts) =>
    void updatesOf(counts[split] ?? 0, experiment.training);
  const { splits, digest } = await openCorpus(experiment, form, {
    ...{ ...around, needs: only, only, uses, expectRoom, expectItems, media },
  });
  return maskedBatches(experiment, clipsInMemory(splits[split] ?? [], form, digest), ranksOf(around));
}
