import { type StoredClip, storeClip } from "@kdc-mae/data";
import {
  type ClassLabels,
  expectSplit,
  type LeftOutBySplit,
  namedRecording,
  type Placing,
  passedOverInWords,
  readShards,
  type Split,
} from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { environmentOf, type Surroundings } from "../surroundings.js";
import { choiceOf, type DataSource, type Purpose, sayPlacing } from "./choose-clips.js";
import type { ClipForm } from "./clip-form.js";
import type { NamedClip } from "./clips-of-both.js";
import { type DataDigest, digestOf } from "./data-digest.js";
import { type CorpusOptions, openCorpus } from "./open-corpus.js";
import { remoteAccess } from "./remote-access.js";

/** Clips to look at one after the other, as often as needed: held in memory, or read from shards as they come. */
export type ClipSet = {
  readonly items: readonly (NamedClip & {
    readonly labels: readonly string[];
    /** What it is a part of, where its list or shards say so. */
    readonly recording?: string;
  })[];
  /** The clips, one after the other, from the first. */
  read(): AsyncIterable<StoredClip> | Iterable<StoredClip>;
  /** Gives back files and processes; nothing can be read after. */
  close(): Promise<void>;
};

/** Clips that are in memory already. */
export const memorySet = (clips: readonly StoredClip[]): ClipSet => ({
  items: clips.map(({ item }) => {
    const { id, labels, path, start, end } = item;
    return { id, labels, path, start, end, recording: namedRecording(item) };
  }),
  read: () => clips,
  close: async () => undefined,
});

/** One split of prepared shards, and where the clips of the whole set go. */
export type ShardSplit = ClipSet & {
  /** Clips of every split that could not be used. */
  readonly leftOut: LeftOutBySplit;
  readonly placing: Placing;
  readonly passedOver: string | undefined;
  /** Of every clip of the set. */
  readonly digest: DataDigest;
};

/** One split of prepared shards, read as it is needed; it may be empty. */
export async function shardSet(
  data: Extract<DataSource, { kind: "shards" }>,
  split: string,
  form: ClipForm,
  options: Surroundings & Purpose = {},
): Promise<ShardSplit> {
  const { namedFor, scored } = options;
  const reader = await readShards(data.path, {
    ...{ split, namedFor, scored, mayBeEmpty: true, choice: await choiceOf(data) },
    remote: remoteAccess(environmentOf(options)),
  });
  const { items, placing, passedOver, everything, leftOut } = reader;
  return {
    ...{ items, placing, leftOut, passedOver: passedOverInWords(passedOver), digest: digestOf(everything) },
    async *read() {
      for await (const clip of reader.clips()) yield storeClip(clip, form);
    },
    close: () => reader.close(),
  };
}

/** The splits of a data set. */
export type SplitSets = {
  readonly sets: Readonly<Record<Split, ClipSet>>;
  /** Clips that could not be used, by split and reason. */
  readonly leftOut: LeftOutBySplit;
  readonly placing: Placing;
  /** Gives back files and processes; nothing can be read after. */
  close(): Promise<void>;
};

/**
 * The splits of made data, a manifest (both decoded into memory) or shards (read as needed), by the rule of
 * `placeClips`.
 *
 * @throws KdcError for a split that is needed and empty
 */
export async function openSplitSets(
  experiment: Pick<CheckedExperiment, "data" | "seed">,
  form: ClipForm,
  options: Surroundings &
    Purpose &
    Pick<CorpusOptions, "expectItems"> & {
      readonly media: string;
      readonly needs: readonly Split[];
      readonly only?: readonly Split[];
      readonly classes?: ClassLabels;
    },
): Promise<SplitSets> {
  const { data } = experiment;
  if (data.kind !== "shards") {
    const { splits, leftOut, placing } = await openCorpus(experiment, form, options);
    const { train, validation, test } = splits;
    const sets = { train: memorySet(train), validation: memorySet(validation), test: memorySet(test) };
    return { sets, leftOut, placing, close: async () => undefined };
  }
  const open = (split: Split) => shardSet(data, split, form, options);
  const sets = { train: await open("train"), validation: await open("validation"), test: await open("test") };
  const { leftOut, placing, passedOver } = sets.test;
  const close = async () => {
    for (const set of Object.values(sets)) await set.close();
  };
  try {
    for (const name of options.needs) expectSplit(placing, name, `data set ${data.path}`);
  } catch (error) {
    await close();
    throw error;
  }
  sayPlacing(data, placing, options, options);
  if (passedOver !== undefined) options.onNote?.(passedOver);
  return { sets, leftOut, placing, close };
}
