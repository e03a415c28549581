import { KdcError } from "@kdc-mae/core";
import { type ClassLabels, readClassLabels } from "@kdc-mae/data/node";
import { kindsOf } from "@kdc-mae/eval";
import type { ModelConfig } from "@kdc-mae/model";
import { measureStatistics, type Statistics } from "../corpus/batch.js";
import { type ClipSet, memorySet, openSplitSets, shardSet } from "../corpus/clip-set.js";
import { type FrontEnd, frontEndFor } from "../corpus/front-end.js";
import { openCorpus } from "../corpus/open-corpus.js";
import { remoteAccess } from "../corpus/remote-access.js";
import { measuredStatistics } from "../corpus/shard-source.js";
import { expectClips } from "../corpus/splits.js";
import { environmentOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { absentClasses, expectClasses } from "./classes.js";
import type { CheckedFineTuning } from "./schema.js";
import { shardLabelledSource } from "./shard-source.js";
import { type LabelledOptions, type LabelledSource, memoryLabelledSource } from "./source.js";

/** Everything a fine-tuning learns from and is evaluated on. */
export type FineTuningData = {
  readonly classes: readonly string[];
  readonly statistics: Statistics;
  readonly source: LabelledSource;
  readonly evaluation: ClipSet;
  /** Clips that could not be used, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** To be read with care. */
  readonly notes: readonly string[];
  close(): Promise<void>;
};

type Where = Surroundings & { readonly media: string; readonly statistics?: Statistics };

/** Training clips before their classes are known. */
type Training = {
  readonly items: ClipSet["items"];
  readonly measure: () => Promise<Statistics>;
  readonly open: (options: LabelledOptions) => Promise<LabelledSource>;
};
type Opened = {
  readonly training: Training;
  readonly evaluation: ClipSet;
  readonly leftOut: Readonly<Record<string, number>>;
};

/**
 * Opens a fine-tuning's data: made clips, a manifest (both held in memory), or prepared shards.
 *
 * @param where.statistics what the checkpoint was normalised with
 * @throws KdcError for empty splits, labels that are no classes, fewer than two classes, and unknown statistics
 */
export async function openFineTuningData(
  experiment: CheckedFineTuning,
  config: ModelConfig,
  where: Where,
): Promise<FineTuningData> {
  const frontEnd: FrontEnd = {
    ...frontEndFor(config, experiment.visual.framesPerClip),
    keepSound: experiment.mixup !== undefined,
  };
  expectStatistics(experiment, where.statistics);
  const list = experiment.classes === undefined ? undefined : await readClassLabels(experiment.classes);
  const { training, evaluation, leftOut } = await openBoth(experiment, frontEnd, { ...where, classes: list });
  try {
    expectClips(experiment.evaluation.split, evaluation.items);
    const labels = experiment.loss.kind === "cross-entropy" ? "one" : "any";
    const classes = list?.names ?? kindsOf(training.items.flatMap((item) => item.labels));
    expectClasses("training clips", training.items, classes, labels);
    expectClasses(`${experiment.evaluation.split} clips`, evaluation.items, classes, labels);
    const statistics = await statisticsOf(experiment, training, where.statistics);
    const source = await training.open({
      ...{ grids: { audio: config.audio, visual: config.visual }, statistics, classes, seed: experiment.seed },
      ...{ batch: experiment.training.batch, smoothing: experiment.loss.labelSmoothing },
      ...{ balanced: experiment.sampling === "balanced", noise: experiment.audio.noise },
      ...(experiment.audio.specAugment ? { specAugment: experiment.audio.specAugment } : {}),
      ...(experiment.mixup ? { mixup: experiment.mixup } : {}),
    });
    const notes = [
      absentClasses("training", training.items, classes),
      absentClasses(experiment.evaluation.split, evaluation.items, classes),
    ].filter((note) => note !== undefined);
    const close = async () => {
      await source.close();
      await evaluation.close();
    };
    return { classes, statistics, source, evaluation, leftOut, notes, close };
  } catch (error) {
    await evaluation.close();
    throw error;
  }
}

async function openBoth(
  experiment: CheckedFineTuning,
  frontEnd: FrontEnd,
  { media, classes, ...rest }: Where & { readonly classes?: ClassLabels },
): Promise<Opened> {
  const around = surroundingsOf(rest);
  const { data, seed, evaluation } = experiment;
  const { split } = evaluation;
  const other = async (): Promise<ClipSet> => {
    const given = { data: evaluation.data ?? data, seed };
    const unsplit = evaluation.data === undefined ? ("train" as const) : split;
    // Nothing is mixed in evaluation.
    const plain = { ...frontEnd, keepSound: false };
    if (given.data.kind === "shards") return shardSet(given.data.path, split, plain, { ...around, unsplit });
    return (await openSplitSets(given, plain, { ...around, media, needs: [split], only: [split], unsplit, classes }))
      .sets[split];
  };
  if (data.kind === "shards") {
    const path = data.path;
    const train = await shardSet(path, "train", frontEnd, around);
    await train.close();
    const named = data.split ?? (train.named ? "train" : undefined);
    return {
      training: {
        items: train.items,
        measure: () => measuredStatistics(path, remoteAccess(environmentOf(around))),
        open: (options) => shardLabelledSource(path, { ...options, ...around, split: named, workers: data.workers }),
      },
      evaluation: await other(),
      leftOut: train.leftOut,
    };
  }
  const same = evaluation.data === undefined;
  const needs = same ? (["train", split] as const) : (["train"] as const);
  const { splits, leftOut } = await openCorpus({ data, seed }, frontEnd, {
    media,
    needs,
    only: needs,
    classes,
    ...around,
  });
  return {
    training: {
      items: memorySet(splits.train).items,
      measure: async () => measureStatistics(splits.train),
      open: async (options) => memoryLabelledSource(splits.train, frontEnd, options),
    },
    evaluation: same ? memorySet(splits[split]) : await other(),
    leftOut,
  };
}

/** Asked before anything is decoded, which may take hours. */
function expectStatistics({ audio }: CheckedFineTuning, checkpoint: Statistics | undefined): void {
  if (audio.statistics !== "checkpoint" || checkpoint !== undefined) return;
  throw new KdcError({
    where: "fine-tuning",
    what: "the checkpoint does not say with what mean and deviation its spectrograms were normalised",
    remedy: `Set them, such as --set audio.statistics='{"mean":-5.081,"std":4.4849}', or --set audio.statistics=measured`,
    reason: "statistics",
  });
}

async function statisticsOf(
  { audio }: CheckedFineTuning,
  training: Training,
  checkpoint: Statistics | undefined,
): Promise<Statistics> {
  if (audio.statistics === "measured") return training.measure();
  return audio.statistics === "checkpoint" ? (checkpoint as Statistics) : audio.statistics;
}
