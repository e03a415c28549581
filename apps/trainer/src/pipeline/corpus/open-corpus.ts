import { KdcError } from "@kdc-mae/core";
import { availableMemory } from "@kdc-mae/core/node";
import { type StoredClip, storeClip } from "@kdc-mae/data";
import {
  type ClassLabels,
  expectSplit,
  type ManifestItem,
  type Placing,
  passedOverInWords,
  readShards,
} from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { firstFirst } from "../ranks/ranks.js";
import { environmentOf, ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { choiceOf, type DataSource, nameOfData, type Purpose, sayPlacing } from "./choose-clips.js";
import { bytesOfClip, type ClipForm } from "./clip-form.js";
import { type DataDigest, digestOf } from "./data-digest.js";
import { type LoadedSplits, loadSplits } from "./load-clips.js";
import { openDecoder } from "./open-decoder.js";
import { openItems } from "./open-items.js";
import { remoteAccess } from "./remote-access.js";

/** Where made clips are kept, and found again. */
export const defaultMedia = "runs/demo-media";

/**
 * The folder of made clips.
 *
 * @throws KdcError (`usage`) for a folder that was given though none of the data are made
 */
export function mediaFor(asked: string | undefined, ...sources: readonly (DataSource | undefined)[]): string {
  if (asked === undefined || sources.some((data) => data?.kind === "synthetic")) return asked ?? defaultMedia;
  throw new KdcError({
    where: `--media ${asked}`,
    what: "it says where synthetic clips are kept, and this data set is not synthetic",
    remedy: "Leave it out; where a list's paths begin is data.mediaRoot",
    reason: "usage",
  });
}

/** A data set in memory, where its clips went, and what they are. */
export type Corpus = LoadedSplits & {
  readonly placing: Placing;
  readonly digest: DataDigest;
};

export type CorpusOptions = Surroundings &
  Purpose & {
    readonly media: string;
    /** Splits that must have clips. */
    readonly needs: readonly string[];
    /** Clips of other splits are not decoded; all are unless given. */
    readonly only?: readonly string[];
    /** Of clips that are decoded now: at most so many, spread over the list. All unless given. */
    readonly sample?: number;
    /** Told how many clips will be held in memory, before any is decoded; refuses too many. */
    readonly expectRoom?: (clips: number) => void;
    /** Told what a list or folder names, and how many of every split, before any of it is decoded; refuses what cannot be used. */
    readonly expectItems?: (items: readonly ManifestItem[], counts: Placing["counts"]) => void;
    /** Names labels that a manifest writes as mids. */
    readonly classes?: ClassLabels;
  };

/**
 * The clips an experiment names, decoded into memory, by the rule of `placeClips`.
 *
 * @throws KdcError for a split that is needed and empty, and for more clips than the memory holds
 */
export async function openCorpus(
  experiment: Pick<CheckedExperiment, "data" | "seed">,
  form: ClipForm,
  options: CorpusOptions,
): Promise<Corpus> {
  const around = surroundingsOf(options);
  const { data, seed } = experiment;
  const loaded =
    data.kind === "shards" ? await loadShards(data, form, options) : await loadItems({ data, seed }, form, options);
  for (const message of loaded.messages) around.onNote?.(`left out: ${message}`);
  for (const name of options.needs) expectClips(name, loaded.splits[name as "train"] ?? []);
  return loaded;
}

/** @throws KdcError when a split that is needed has no clips */
export function expectClips(name: string, clips: readonly unknown[]): void {
  if (clips.length > 0) return;
  throw new KdcError({
    where: "data set",
    what: `no clip of the ${name} split could be used`,
    remedy: "Look at what was left out and why; paths begin at the manifest's folder, or at the media root",
    reason: "empty-split",
  });
}

async function loadItems(
  { data, seed }: { data: Exclude<DataSource, { kind: "shards" }>; seed: number },
  form: ClipForm,
  options: CorpusOptions,
): Promise<Corpus> {
  const { media: directory, needs, only, namedFor, scored, uses, classes, sample } = options;
  const around = surroundingsOf(options);
  const opened = await openDecoder(around, data);
  const bytes = bytesOfClip(form);
  const most = Math.floor(availableMemory() / bytes);
  const asked = { directory, opened, seed, only, most, namedFor, scored, classes };
  // Made clips are made by one, and found by the others.
  const found = await firstFirst(ranksOf(around), () => openItems(data, { ...asked, ...around }));
  for (const name of needs) expectSplit(found.placing, name, `data set ${nameOfData(data)}`);
  sayPlacing(data, found.placing, { uses }, around);
  options.expectItems?.(found.items, found.placing.counts);
  const items = sample === undefined ? found.items : spread(found.items, sample);
  const expectRoom = options.expectRoom ?? ((clips) => expectMemory(clips * bytes, clips, data));
  expectRoom(sample === undefined ? found.count : items.length);
  const loaded = await loadSplits(items, form, { opened, media: found.media, ...around });
  return { ...loaded, placing: found.placing, digest: { ...found.digest, decodedBy: opened.decodedBy } };
}

/** So many of a list's items, evenly spread over it. */
export const spread = <T>(list: readonly T[], most: number): readonly T[] => {
  const count = Math.min(most, list.length);
  return Array.from({ length: count }, (_, at) => list[Math.floor((at * list.length) / count)]);
};

/** Before hours of decoding. @throws KdcError (reason `too-large`) for more clips than the machine's memory holds */
function expectMemory(bytes: number, clips: number, data: DataSource): void {
  const memory = availableMemory();
  if (bytes <= memory) return;
  throw new KdcError({
    where: `data set ${nameOfData(data)}`,
    what: `its ${clips} clips would take ${(bytes / 1e9).toFixed(1)} GB in memory, and ${(memory / 1e9).toFixed(1)} GB are available`,
    remedy: "Prepare them as shards, which are read as they are needed: kdc-mae prepare, then data.kind=shards",
    reason: "too-large",
  });
}

async function loadShards(
  data: Extract<DataSource, { kind: "shards" }>,
  form: ClipForm,
  { namedFor, scored, uses, only, needs, ...rest }: CorpusOptions,
): Promise<Corpus> {
  const around = surroundingsOf(rest);
  const reader = await readShards(data.path, {
    ...{ namedFor, scored, choice: await choiceOf(data), remote: remoteAccess(environmentOf(around)) },
    signal: around.signal,
  });
  const { placing } = reader;
  const splits: Record<"train" | "validation" | "test", StoredClip[]> = { train: [], validation: [], test: [] };
  try {
    for (const name of needs) expectSplit(placing, name, `data set ${data.path}`);
    sayPlacing(data, placing, { uses }, around);
    const passed = passedOverInWords(reader.passedOver);
    if (passed !== undefined) around.onNote?.(passed);
    for await (const clip of reader.clips()) {
      const split = placing.of(clip.item.split);
      if (only !== undefined && !only.includes(split)) continue;
      if (Object.hasOwn(splits, split)) splits[split as "train"].push(storeClip(clip, form));
    }
  } finally {
    await reader.close();
  }
  return { splits, leftOut: reader.leftOut, messages: [], placing, digest: digestOf(reader.items) };
}
