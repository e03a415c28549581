import { KdcError } from "@kdc-mae/core";
import { availableCpus } from "@kdc-mae/core/node";
import { createPipesDecoder, locateFfmpeg, type ManifestItem, type MediaRoot, makeSet } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { environmentOf, type Surroundings } from "../surroundings.js";
import type { FrontEnd } from "./front-end.js";
import { loadClips } from "./load-clips.js";
import type { StoredClip } from "./stored-clip.js";

/** A data set in memory, by split: ours, and others that are asked for by name. */
export type LoadedSplits = {
  readonly splits: Readonly<Record<"train" | "validation" | "test", readonly StoredClip[]>> &
    Readonly<Record<string, readonly StoredClip[] | undefined>>;
  readonly leftOut: Readonly<Record<string, number>>;
  /** The messages of the first few that were left out. */
  readonly messages: readonly string[];
};

/** ffmpeg processes at once: one more than cores, for this process computes between their ends and their starts. */
const WORKERS = availableCpus() + 1;

/** The clips of a made set; files that are there already are used again. */
export async function syntheticItems(
  data: Extract<CheckedExperiment["data"], { kind: "synthetic" }>,
  options: Surroundings & { readonly directory: string; readonly ffmpeg: string; readonly seed: number },
): Promise<readonly ManifestItem[]> {
  const { directory, ffmpeg, seed, signal, onProgress } = options;
  const counts = { train: data.train, validation: data.validation, test: data.test };
  const total = data.train + data.validation + data.test;
  const { items } = await makeSet({
    ...{ directory, ffmpeg, counts, seed, signal, workers: WORKERS },
    onProgress: ({ done }) => onProgress?.({ stage: "media", unit: "clips", done, total }),
  });
  return items;
}

/** Decodes items into memory and sorts them by split. */
export async function loadSplits(
  items: readonly ManifestItem[],
  frontEnd: FrontEnd,
  options: Surroundings & { readonly ffmpeg: string; readonly media?: MediaRoot },
): Promise<LoadedSplits> {
  const { kept, leftOut, reasons } = await loadClips(items, frontEnd, {
    ...{ decoder: createPipesDecoder(options.ffmpeg), media: options.media },
    concurrency: WORKERS,
    onProgress: (done) => options.onProgress?.({ stage: "decode", unit: "clips", done, total: items.length }),
    signal: options.signal,
  });
  const of = (split: string) => kept.filter(({ item }) => item.split === split);
  const others = [...new Set(kept.map(({ item }) => item.split ?? ""))].map((split) => [split, of(split)] as const);
  return {
    splits: { train: of("train"), validation: of("validation"), test: of("test"), ...Object.fromEntries(others) },
    leftOut: reasons,
    messages: leftOut.slice(0, 5).map(({ error }) => error.message),
  };
}

/** The ffmpeg of this machine, chosen from the environment. */
export const findFfmpeg = async (around: Surroundings): Promise<string> =>
  (await locateFfmpeg({ env: environmentOf(around) })).path;

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
