import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import {
  type ClassLabels,
  expectSplit,
  type ManifestItem,
  type Placing,
  readClassLabels,
  type SplitUse,
} from "@kdc-mae/data/node";
import { kindsOf } from "@kdc-mae/eval";
import type { ModelConfig } from "@kdc-mae/model";
import { expectNoFrames, fittedSplit, recordingsOfBoth, sayPlacing } from "../corpus/choose-clips.js";
import { type ClipForm, clipFormFor } from "../corpus/clip-form.js";
import { type ClipSet, memorySet, openSplitSets, shardSet } from "../corpus/clip-set.js";
import { expectNoneOfBoth } from "../corpus/clips-of-both.js";
import type { TrainingClips } from "../corpus/held-clips.js";
import { expectClips, openCorpus } from "../corpus/open-corpus.js";
import type { Statistics } from "../corpus/statistics.js";
import { clipsInMemory, clipsInShards } from "../corpus/training-clips.js";
import { type Surroundings, surroundingsOf } from "../surroundings.js";
import { updatesOf } from "../train/epochs.js";
import { absentClasses, expectClasses } from "./classes.js";
import { type LabelledSource, labelledBatches, recipeOf } from "./labelled-batches.js";
import type { CheckedFineTuning } from "./schema.js";

/** Everything a fine-tuning learns from and is evaluated on. */
export type FineTuningData = {
  readonly classes: readonly string[];
  readonly statistics: Statistics;
  readonly source: LabelledSource;
  readonly evaluation: ClipSet;
  /** Clips that would be scored and could not be used, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** To be read with care. */
  readonly notes: readonly string[];
  close(): Promise<void>;
};

type Where = Surroundings & {
  readonly media: string;
  readonly statistics?: Statistics;
  /** What one update takes, where the experiment's batch is a piece of it. */
  readonly update?: { readonly batch: number; readonly accumulate: number };
};

/** Training clips before their classes are known. */
type Training = {
  readonly items: ClipSet["items"];
  readonly clips: TrainingClips;
};
type Opened = {
  readonly training: Training;
  readonly evaluation: ClipSet;
  readonly leftOut: Readonly<Record<string, number>>;
  /** What is not certainly unseen among what is scored, in words. */
  readonly doubts: readonly string[];
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
  const form: ClipForm = {
    ...clipFormFor(config, experiment.visual, where.statistics?.sampleRate),
    keepSound: experiment.mixup !== undefined,
  };
  expectStatistics(experiment, where.statistics);
  const list = experiment.classes === undefined ? undefined : await readClassLabels(experiment.classes);
  const { training, evaluation, leftOut, doubts } = await openBoth(experiment, form, { ...where, classes: list });
  try {
    expectClips(experiment.evaluation.split, evaluation.items);
    const labels = experiment.loss.kind === "cross-entropy" ? "one" : "any";
    const classes = list?.names ?? kindsOf(training.items.flatMap((item) => item.labels));
    expectClasses("training clips", training.items, classes, labels);
    expectClasses(`${experiment.evaluation.split} clips`, evaluation.items, classes, labels);
    const statistics = await statisticsOf(experiment, training, where.statistics);
    const source = labelledBatches(await training.clips.open(recipeOf(experiment, { statistics, classes })));
    const notes = [
      absentClasses("training", training.items, classes),
      absentClasses(experiment.evaluation.split, evaluation.items, classes),
      ...doubts,
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
  form: ClipForm,
  { media, classes, update = experiment.training, ...rest }: Where & { readonly classes?: ClassLabels },
): Promise<Opened> {
  const around = surroundingsOf(rest);
  const { data, seed, evaluation } = experiment;
  const { split } = evaluation;
  const fits = fittedSplit(data);
  const own = evaluation.data === undefined || isSameData(data, evaluation.data);
  expectApart(experiment, own, fits);
  // Nothing is mixed in evaluation.
  const plain = { ...form, keepSound: false };
  const uses: Readonly<Record<string, SplitUse>> = { [fits]: "fitted", ...(own ? { [split]: "scored" } : {}) };
  const purpose = own ? {} : ({ namedFor: "scoring", scored: split, uses: { [split]: "scored" } } as const);
  // Of clips that cannot be decoded nobody asks for a label.
  const expectLabels = (items: readonly ManifestItem[]) => {
    const labelled = items.filter((item) => item.labels.length > 0);
    const labels = experiment.loss.kind === "cross-entropy" ? "one" : "any";
    if (classes !== undefined) expectClasses("clips", labelled, classes.names, labels);
  };
  const other = async (): Promise<Pick<Opened, "evaluation" | "leftOut">> => {
    const given = evaluation.data ?? data;
    if (given.kind === "shards") {
      const set = await shardSet(given, split, plain, { ...around, ...purpose });
      expectSplit(set.placing, split, `data set ${given.path}`);
      sayPlacing(given, set.placing, purpose, around);
      return { evaluation: set, leftOut: set.leftOut[split] ?? {} };
    }
    const wanted = { ...around, ...purpose, media, needs: [split], only: [split], classes, expectItems: expectLabels };
    const { sets, leftOut } = await openSplitSets({ data: given, seed }, plain, wanted);
    return { evaluation: sets[split], leftOut: leftOut[split] ?? {} };
  };
  const doubtsOf = async (fitted: ClipSet["items"], scored: ClipSet, placing: Placing): Promise<readonly string[]> => {
    const doubt = await expectNoneOfBoth("fine-tuning", fitted, scored.items);
    const told = own ? recordingsOfBoth(placing, fits, split) : doubt;
    return told === undefined ? [] : [told];
  };
  if (data.kind === "shards") {
    expectNoFrames(experiment.visual.framesPerClip);
    const train = await shardSet(data, fits, form, around);
    await train.close();
    expectSplit(train.placing, fits, `data set ${data.path}`);
    updatesOf(train.items.length, update);
    sayPlacing(data, train.placing, { uses }, around);
    if (train.passedOver !== undefined) around.onNote?.(train.passedOver);
    const scored = await other();
    return {
      doubts: await doubtsOf(train.items, scored.evaluation, train.placing),
      training: { items: train.items, clips: await clipsInShards(data, fits, form, around) },
      ...scored,
    };
  }
  const needs = own ? [fits, split] : [fits];
  const expectItems = (items: readonly ManifestItem[], counts: Readonly<Record<string, number>>) => {
    updatesOf(counts[fits] ?? 0, update);
    expectLabels(items);
  };
  const wanted = { ...around, media, needs, only: needs, uses, classes, expectItems };
  const { splits, leftOut, digest, placing } = await openCorpus({ data, seed }, form, wanted);
  const clips = splits[fits] ?? [];
  const scored = own ? { evaluation: memorySet(splits[split]), leftOut: leftOut[split] ?? {} } : await other();
  return {
    doubts: await doubtsOf(memorySet(clips).items, scored.evaluation, placing),
    training: { items: memorySet(clips).items, clips: clipsInMemory(clips, form, digest) },
    ...scored,
  };
}

/** Whether two sources are one, whatever reads them. */
const isSameData = (one: CheckedFineTuning["data"], other: CheckedFineTuning["data"]): boolean =>
  one.kind !== "synthetic" && other.kind === one.kind && resolve(one.path) === resolve(other.path);

/** A clip is fitted or scored. @throws KdcError where an experiment would have both */
function expectApart({ data, evaluation }: CheckedFineTuning, own: boolean, fits: string): void {
  const bare = (source: CheckedFineTuning["data"]) =>
    JSON.stringify({ ...source, workers: undefined, split: undefined });
  const what =
    own && evaluation.split === fits
      ? `the ${fits} clips are trained on and would be scored too`
      : own && evaluation.data !== undefined && bare(evaluation.data) !== bare(data)
        ? "evaluation.data are the data that are trained on, read another way, so that clips could be trained on and scored"
        : undefined;
  if (what === undefined) return;
  throw new KdcError({
    where: "fine-tuning",
    what,
    remedy: "Leave evaluation.data out and set evaluation.split to another split, or give other data",
    reason: "option",
  });
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
  { clips }: Training,
  checkpoint: Statistics | undefined,
): Promise<Statistics> {
  if (audio.statistics === "checkpoint") return checkpoint as Statistics;
  const { sampleRate } = checkpoint ?? {};
  const own = audio.statistics === "measured" ? await clips.measure() : audio.statistics;
  return { ...own, ...(sampleRate === undefined ? {} : { sampleRate }) };
}
