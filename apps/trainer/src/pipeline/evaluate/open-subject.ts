import { expectWritable } from "@kdc-mae/core/node";
import type { StoredClip } from "@kdc-mae/data";
import { batchThreads, type ManifestItem, type Split } from "@kdc-mae/data/node";
import { computesOn, type Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { ProtocolRecord } from "@kdc-mae/eval";
import { recordingsOfBoth } from "../corpus/choose-clips.js";
import { clipFormFor } from "../corpus/clip-form.js";
import { memorySet, openSplitSets } from "../corpus/clip-set.js";
import { expectUnseen } from "../corpus/clips-of-both.js";
import { mediaFor } from "../corpus/open-corpus.js";
import { expectClasses } from "../finetune/classes.js";
import { type Ranks, sharedList } from "../ranks/ranks.js";
import type { Between } from "../ranks/shared-map.js";
import type { SavedClassifier } from "../run/classifier-file.js";
import type { SavedModel } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import type { ReadOptions, Saved } from "../run/read-saved.js";
import { ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import {
  classesFor,
  type DataChoice,
  evaluatedData,
  evaluatedSplit,
  expectData,
  expectDataFor,
  ownData,
} from "./chosen-data.js";
import { expectColumnListed } from "./clip-groups.js";
import { openCutting } from "./cutting.js";
import { linkOf } from "./predict.js";
import { expectProbesApart, splitsFor, usesOf } from "./protocols/run.js";
import { type Subject, sharedOf } from "./protocols/subject.js";

/** On which data a model is evaluated, where the results go, and what computes. */
export type EvaluatingOptions = Surroundings &
  DataChoice &
  Pick<ReadOptions, "assume"> & {
    /** A folder for the results; nothing is written unless given. */
    readonly out?: string;
    /** Where made clips are kept, for models trained on made data. */
    readonly media?: string;
    /** What computes, and its name in the results; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    readonly engine?: string;
  };

/** Which of these clips are evaluated, and by which column of their list figures are grouped. */
type EvaluatedOptions = EvaluatingOptions & { readonly split?: Split; readonly by?: string };

const betweenOf = (ranks: Ranks): Between => ({
  ...{ rank: ranks.rank, size: ranks.size },
  gather: (own) => sharedList(ranks, own),
});

/** What computes by default. */
export const DEFAULT_ENGINE = `compiled (${computesOn(compiled())})`;

/** Clips cut and computed together. */
const BATCH = 32;

/** A pretrained model and clips in memory, ready for protocols; whoever asks closes the subject's cutter. */
export const subjectOf = (
  model: SavedModel,
  splits: Readonly<Record<Split, readonly StoredClip[]>>,
  { batch, ...rest }: Pick<Subject, "execute" | "leftOut" | "leftOutBySplit"> & { readonly batch: number },
): Subject => ({
  ...{ ...rest, saved: { model }, split: "test", denormalize: true },
  sets: {
    train: memorySet(splits.train),
    validation: memorySet(splits.validation),
    test: memorySet(splits.test),
  },
  cutting: openCutting(
    clipFormFor(model.config, pairingOf(model.experiment), model.statistics.sampleRate),
    { statistics: model.statistics, batch },
    batchThreads,
  ),
  onProgress: () => undefined,
});

/** What can be said before a model is read. @throws KdcError for options that are not read, and a folder that cannot be written */
export async function expectUsable(options: EvaluatingOptions): Promise<void> {
  expectDataFor(options);
  if (options.out !== undefined) await expectWritable(options.out);
}

/** Labels that are no classes are told before hours of decoding. @throws KdcError */
function expectLabels(
  { classes, experiment }: SavedClassifier,
  chosen: readonly ProtocolRecord[],
  split: Split,
  items: readonly ManifestItem[],
): void {
  if (!chosen.some(({ conduct }) => conduct.task === "classification")) return;
  // Of clips that cannot be decoded nobody asks for a label.
  const labelled = items.filter((item) => item.split === split && item.labels.length > 0);
  expectClasses(`${split} clips`, labelled, classes, linkOf(experiment) === "softmax" ? "one" : "any");
}

/**
 * The clips that protocols look at.
 *
 * @throws KdcError for options that are not read, an empty split, and clips that would be fitted and scored
 */
export async function openEvaluated(chosen: readonly ProtocolRecord[], saved: Saved, options: EvaluatedOptions) {
  expectDataFor(options);
  const own = ownData(saved);
  const evaluated = evaluatedData(options, own);
  const { data, namedFor, fits } = evaluated;
  const split = evaluatedSplit(options.split, fits);
  const classes = await classesFor(options.classes, own.classes);
  const { needs, only } = splitsFor(chosen, split);
  expectProbesApart(chosen, split);
  const { config, statistics, assumed } = sharedOf(saved);
  const form = clipFormFor(config, own.pairing, statistics.sampleRate);
  const opened = await openSplitSets({ data, seed: own.seed }, form, {
    ...{ ...surroundingsOf(options), media: mediaFor(options.media, data) },
    ...{ namedFor, scored: split, needs, only, uses: usesOf(only, split), classes },
    expectItems: (items) => {
      if (options.by !== undefined) expectColumnListed(items, split, options.by);
      if ("classifier" in saved) expectLabels(saved.classifier, chosen, split, items);
    },
  });
  try {
    const trained = assumed === undefined ? own.trained : undefined;
    const doubt = await expectUnseen(trained, evaluated, opened.sets[split].items, surroundingsOf(options));
    /** What is known, or can only be suspected, of the model having been trained on these clips; in words. */
    const seen = split === fits ? "the model was trained on these clips" : doubt;
    // Of the model's own data, or of those that a probe is fitted on.
    const fitted = fits ?? (only.includes("train") ? "train" : undefined);
    const near = fitted === undefined ? undefined : recordingsOfBoth(opened.placing, fitted, split);
    if (near !== undefined) options.onNote?.(near);
    return { ...opened, form, data, split, seen, near };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * A model and the clips it is evaluated on, ready for protocols.
 *
 * @throws KdcError as {@link openEvaluated}
 */
export async function openSubject(chosen: readonly ProtocolRecord[], saved: Saved, options: EvaluatedOptions) {
  const { statistics, ...rest } = sharedOf(saved);
  expectData(rest, options);
  const { sets, leftOut, form, split, seen, near, data, close } = await openEvaluated(chosen, saved, options);
  const between = betweenOf(ranksOf(options));
  const cutting = openCutting(form, { statistics, batch: BATCH, between }, batchThreads);
  const { execute = compiled(), signal } = options;
  const subject: Subject = {
    ...{
      saved,
      sets,
      split,
      leftOut: leftOut[split] ?? {},
      leftOutBySplit: leftOut,
      cutting,
      signal,
      execute,
      denormalize: false,
    },
    doubts: [seen, near].filter((doubt) => doubt !== undefined),
    onProgress: () => undefined,
  };
  const closeAll = async () => {
    await cutting.cutter.close();
    await close();
  };
  return { subject, data, seen, close: closeAll };
}
