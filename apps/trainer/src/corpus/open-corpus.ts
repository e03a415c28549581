import { type ClipItem, KdcError } from "@kdc-mae/core";
import { openManifest } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { FrontEnd } from "./front-end.js";
import { expectClips, findFfmpeg, type LoadedSplits, loadSplits, syntheticItems } from "./splits.js";

/** Where made clips are kept, and found again. */
export const defaultMedia = "runs/demo-media";

/** Items of a manifest; those of no split go to training. */
async function manifestItems(data: Extract<CheckedExperiment["data"], { kind: "manifest" }>): Promise<ClipItem[]> {
  const manifest = await openManifest(data.path, { mediaRoot: data.mediaRoot });
  const items: ClipItem[] = [];
  for await (const item of manifest.items())
    items.push({ ...item, split: splitNames[item.split ?? "train"] ?? item.split });
  return items;
}

const splitNames: Readonly<Record<string, string>> = { val: "validation", valid: "validation", eval: "test" };

/** The clips an experiment names, decoded into memory. */
export async function openCorpus(
  experiment: CheckedExperiment,
  frontEnd: FrontEnd,
  options: {
    readonly media: string;
    readonly needs: readonly ("train" | "validation" | "test")[];
    readonly signal?: AbortSignal;
  },
): Promise<LoadedSplits> {
  const { media: directory, needs, signal } = options;
  const { data, seed } = experiment;
  if (data.kind === "shards") {
    throw new KdcError({
      where: "data set",
      what: "prepared shards can be trained on, not yet evaluated on",
      remedy: "Give the manifest the shards were made from with --data",
      reason: "shards",
    });
  }
  const ffmpeg = await findFfmpeg();
  const items =
    data.kind === "synthetic"
      ? await syntheticItems(data, { directory, ffmpeg, seed, signal })
      : await manifestItems(data);
  const loaded = await loadSplits(items, frontEnd, { ffmpeg, signal });
  for (const message of loaded.messages) process.stderr.write(`left out: ${message}\n`);
  for (const name of needs) expectClips(name, loaded.splits[name]);
  return loaded;
}
