import { isKdcError } from "@kdc-mae/core";
import { type ClassLabels, readShards } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { environmentOf, type Surroundings } from "../surroundings.js";
import type { FrontEnd } from "./front-end.js";
import { openCorpus, splitOf, type Unsplit } from "./open-corpus.js";
import { remoteAccess } from "./remote-access.js";
import { expectClips } from "./splits.js";
import { type StoredClip, storeClip } from "./stored-clip.js";

/** Clips to look at one after the other, as often as needed: held in memory, or read from shards as they come. */
export type ClipSet = {
  readonly items: readonly { readonly id: string; readonly labels: readonly string[] }[];
  read(): AsyncIterable<StoredClip> | Iterable<StoredClip>;
  close(): Promise<void>;
};

/** Clips that are in memory already. */
export const memorySet = (clips: readonly StoredClip[]): ClipSet => ({
  items: clips.map(({ item: { id, labels } }) => ({ id, labels })),
  read: () => clips,
  close: async () => undefined,
});

/** One split of prepared shards, read as it is needed. `named`: whether its clips name the split themselves. */
export async function shardSet(
  path: string,
  split: string,
  frontEnd: FrontEnd,
  options: Surroundings & { readonly unsplit?: Unsplit } = {},
): Promise<ClipSet & { readonly leftOut: Readonly<Record<string, number>>; readonly named: boolean }> {
  const { unsplit = "train" } = options;
  const empty = { ...memorySet([]), leftOut: {}, named: true };
  const reader = await readShards(path, {
    takes: (sample) => splitOf(sample.split, unsplit) === split,
    remote: remoteAccess(environmentOf(options)),
  }).catch((error) => {
    if (isKdcError(error) && error.reason === "too-few-clips") return undefined;
    throw error;
  });
  if (reader === undefined) return empty;
  return {
    items: reader.items,
    leftOut: reader.quarantined ?? {},
    named: reader.items.some((item) => item.split !== undefined),
    async *read() {
      for await (const clip of reader.clips()) yield storeClip(clip, frontEnd);
    },
    close: () => reader.close(),
  };
}

type Split = "train" | "validation" | "test";

/** The splits of a data set. */
export type SplitSets = {
  readonly sets: Readonly<Record<Split, ClipSet>>;
  readonly leftOut: Readonly<Record<string, number>>;
  close(): Promise<void>;
};

/**
 * The splits of made data, a manifest (both decoded into memory) or shards (read as needed).
 *
 * @throws KdcError for a split that is needed and empty
 */
export async function openSplitSets(
  experiment: Pick<CheckedExperiment, "data" | "seed">,
  frontEnd: FrontEnd,
  options: Surroundings & {
    readonly media: string;
    readonly needs: readonly Split[];
    readonly only?: readonly Split[];
    readonly unsplit?: Unsplit;
    readonly classes?: ClassLabels;
  },
): Promise<SplitSets> {
  const { data } = experiment;
  if (data.kind !== "shards") {
    const { splits, leftOut } = await openCorpus(experiment, frontEnd, options);
    const { train, validation, test } = splits;
    const sets = { train: memorySet(train), validation: memorySet(validation), test: memorySet(test) };
    return { sets, leftOut, close: async () => undefined };
  }
  const open = (split: Split) => shardSet(data.path, split, frontEnd, options);
  const sets = { train: await open("train"), validation: await open("validation"), test: await open("test") };
  for (const name of options.needs) expectClips(name, sets[name].items);
  return {
    sets,
    leftOut: sets.test.leftOut,
    close: async () => {
      for (const set of Object.values(sets)) await set.close();
    },
  };
}
