import { KdcError } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { type DecodedSet, type ManifestItem, type MediaRoot, makeSet } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { ownerOf, type Ranks, toldByAll } from "../ranks/ranks.js";
import { sharedList } from "../ranks/shared-list.js";
import { ranksOf, type Surroundings } from "../surroundings.js";
import type { ClipForm } from "./clip-form.js";
import { loadClips } from "./load-clips.js";
import type { OpenedDecoder } from "./open-decoder.js";

/** A data set in memory, by split: ours, and others that are asked for by name. */
export type LoadedSplits = {
  readonly splits: Readonly<Record<"train" | "validation" | "test", readonly StoredClip[]>> &
    Readonly<Record<string, readonly StoredClip[] | undefined>>;
  readonly leftOut: Readonly<Record<string, number>>;
  /** The messages of the first few that were left out. */
  readonly messages: readonly string[];
};

/** The clips of a made set; files that are there already are used again. */
export async function syntheticItems(
  data: Extract<CheckedExperiment["data"], { kind: "synthetic" }>,
  options: Surroundings & { readonly directory: string; readonly opened: OpenedDecoder; readonly seed: number },
): Promise<readonly ManifestItem[]> {
  const { directory, opened, seed, signal, onNote, onProgress } = options;
  const { ffmpeg, workers } = opened;
  const counts = { train: data.train, validation: data.validation, test: data.test };
  const total = data.train + data.validation + data.test;
  const made = await makeSet({
    ...{ directory, ffmpeg, counts, seed, signal, workers, options: data.scene },
    onProgress: ({ done }) => onProgress?.({ stage: "media", unit: "clips", done, total }),
  });
  if (made.directory !== directory)
    onNote?.(`${directory} holds clips of another seed; these are in ${made.directory}`);
  return made.items;
}

/** Decodes items into memory and sorts them by split. */
export async function loadSplits(
  items: readonly ManifestItem[],
  form: ClipForm,
  options: Surroundings & { readonly opened: OpenedDecoder; readonly media?: MediaRoot },
): Promise<LoadedSplits> {
  const ranks = ranksOf(options);
  const own = items.filter((_, index) => ownerOf(index, items.length, ranks) === ranks.rank);
  const decoded = await loadClips(own, form, {
    ...{ decoder: options.opened.decoder, media: options.media },
    concurrency: options.opened.workers,
    onProgress: (done) => options.onProgress?.({ stage: "decode", unit: "clips", done, total: own.length }),
    signal: options.signal,
  });
  const kept = await sharedList(ranks, decoded.kept);
  const [messages, reasons] = await outOfAll(ranks, decoded);
  const of = (split: string) => kept.filter(({ item }) => item.split === split);
  const others = [...new Set(kept.map(({ item }) => item.split ?? ""))].map((split) => [split, of(split)] as const);
  return {
    splits: { train: of("train"), validation: of("validation"), test: of("test"), ...Object.fromEntries(others) },
    leftOut: reasons,
    messages,
  };
}

/** What all ranks left out: the first messages, and how many by reason. */
async function outOfAll(
  ranks: Ranks,
  { leftOut, reasons }: Pick<DecodedSet<StoredClip>, "leftOut" | "reasons">,
): Promise<[messages: readonly string[], reasons: Readonly<Record<string, number>>]> {
  const own = { messages: leftOut.slice(0, 5).map(({ error }) => error.message), reasons };
  const all = await toldByAll(ranks, own);
  const sums: Record<string, number> = {};
  for (const each of all) {
    for (const [reason, count] of Object.entries(each.reasons)) sums[reason] = (sums[reason] ?? 0) + count;
  }
  return [all.flatMap((each) => each.messages).slice(0, 5), sums];
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
