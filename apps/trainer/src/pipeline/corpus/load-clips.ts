import { type StoredClip, storeClip } from "@kdc-mae/data";
import {
  type DecodeAllOptions,
  type DecodedSet,
  decodeAll,
  type LeftOutBySplit,
  type ManifestItem,
  type MediaRoot,
} from "@kdc-mae/data/node";
import { ownerOf, sharedList } from "../ranks/ranks.js";
import { ranksOf, type Surroundings } from "../surroundings.js";
import type { ClipForm } from "./clip-form.js";
import type { OpenedDecoder } from "./open-decoder.js";

/** Decodes clips into memory, in the order of the items; what cannot be decoded is left out with its reason. */
export const loadClips = (
  items: readonly ManifestItem[],
  form: ClipForm,
  options: {
    readonly decoder: DecodeAllOptions<StoredClip>["decoder"];
    /** Where the clips lie, which no link may leave. */
    readonly media?: MediaRoot;
    readonly concurrency: number;
    readonly onProgress?: (done: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<DecodedSet<StoredClip>> =>
  decodeAll(items, {
    ...{ decoder: options.decoder, media: options.media },
    concurrency: options.concurrency,
    signal: options.signal,
    onProgress: ({ done }) => options.onProgress?.(done),
    request: {
      sampleRate: form.audio.sampleRate,
      frames: { count: form.framesPerClip, limit: form.seconds },
      size: form.visual.size,
      // A little more sound than the spectrogram shows, for its last analysis frame.
      seconds: form.seconds + 0.1,
    },
    keep: (clip) => storeClip(clip, form),
  });

/** A data set in memory, by split: ours, and others that are asked for by name. */
export type LoadedSplits = {
  readonly splits: Readonly<Record<"train" | "validation" | "test", readonly StoredClip[]>> &
    Readonly<Record<string, readonly StoredClip[] | undefined>>;
  /** Clips that could not be used, by split and reason. */
  readonly leftOut: LeftOutBySplit;
  /** The messages of the first few that were left out. */
  readonly messages: readonly string[];
};

/** Messages of clips that were left out, at the most: the reasons count them all. */
const MESSAGES = 5;

const firstMessages = ({ leftOut }: Pick<DecodedSet<StoredClip>, "leftOut">): readonly string[] =>
  leftOut.slice(0, MESSAGES).map(({ error }) => error.message);

/** Decodes items into memory and sorts them by split. */
export async function loadSplits(
  items: readonly ManifestItem[],
  form: ClipForm,
  options: Surroundings & { readonly opened: OpenedDecoder; readonly media?: MediaRoot },
): Promise<LoadedSplits> {
  const ranks = ranksOf(options);
  const own = items.filter((_, index) => ownerOf(index, items.length, ranks) === ranks.rank);
  const tell = (done: number) => options.onProgress?.({ stage: "decode", unit: "clips", done, total: own.length });
  tell(0);
  const decoded = await loadClips(own, form, {
    ...{ decoder: options.opened.decoder, media: options.media },
    concurrency: options.opened.workers,
    onProgress: tell,
    signal: options.signal,
  });
  const kept = await sharedList(ranks, decoded.kept);
  const missing = decoded.leftOut.map(({ item, error }) => ({ split: item.split ?? "", reason: error.reason }));
  const unused = await sharedList(ranks, missing);
  const messages = await sharedList(ranks, firstMessages(decoded));
  const leftOut: Record<string, Record<string, number>> = {};
  for (const { split, reason } of unused) {
    leftOut[split] ??= {};
    leftOut[split][reason] = (leftOut[split][reason] ?? 0) + 1;
  }
  const of = (split: string) => kept.filter(({ item }) => item.split === split);
  const others = [...new Set(kept.map(({ item }) => item.split ?? ""))].map((split) => [split, of(split)] as const);
  return {
    splits: { train: of("train"), validation: of("validation"), test: of("test"), ...Object.fromEntries(others) },
    leftOut,
    messages: messages.slice(0, MESSAGES),
  };
}
