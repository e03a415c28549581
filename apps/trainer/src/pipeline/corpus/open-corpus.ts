import { type ClipItem, KdcError } from "@kdc-mae/core";
import { type ClassLabels, openManifest, readShards } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { environmentOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import type { FrontEnd } from "./front-end.js";
import { remoteAccess } from "./remote-access.js";
import { expectClips, findFfmpeg, type LoadedSplits, loadSplits, syntheticItems } from "./splits.js";
import { type StoredClip, storeClip } from "./stored-clip.js";

/** Where made clips are kept, and found again. */
export const defaultMedia = "runs/demo-media";

type DataSource = CheckedExperiment["data"];

/** Where clips go that name no split. */
export type Unsplit = "train" | "test" | "validation";

/** What others call our three splits. */
const splitNames: Readonly<Record<string, string>> = { val: "validation", valid: "validation", eval: "test" };

/** The split of a clip under our name; `unsplit` where it names none. */
export const splitOf = (split: string | undefined, unsplit: Unsplit): string =>
  split === undefined ? unsplit : (splitNames[split] ?? split);

async function manifestItems(
  data: Extract<DataSource, { kind: "manifest" }>,
  unsplit: Unsplit,
  classes: ClassLabels | undefined,
): Promise<readonly ClipItem[]> {
  const manifest = await openManifest(data.path, { mediaRoot: data.mediaRoot, classes });
  const items: ClipItem[] = [];
  for await (const item of manifest.items()) items.push({ ...item, split: splitOf(item.split, unsplit) });
  return items;
}

/** Before anything is decoded: a split that is needed and that the data do not have. */
function expectSplit(name: string, items: readonly ClipItem[]): void {
  if (items.some(({ split }) => split === name)) return;
  const counts = new Map<string, number>();
  for (const { split = "none" } of items) counts.set(split, (counts.get(split) ?? 0) + 1);
  const found = [...counts].slice(0, 8).map(([split, count]) => `${split} ${count}`);
  throw new KdcError({
    where: "data set",
    what: `it has no clip of the ${name} split (clips by split: ${found.length === 0 ? "none at all" : found.join(", ")})`,
    remedy: "Say which clips are of it in the manifest's column split, ask for another split, or give other data",
    reason: "empty-split",
  });
}

/** The clips an experiment names, decoded into memory. */
export async function openCorpus(
  experiment: Pick<CheckedExperiment, "data" | "seed">,
  frontEnd: FrontEnd,
  options: Surroundings & {
    readonly media: string;
    readonly needs: readonly ("train" | "validation" | "test")[];
    /** Clips of other splits are not decoded; all are unless given. */
    readonly only?: readonly Unsplit[];
    readonly unsplit?: Unsplit;
    /** Names labels that a manifest writes as mids. */
    readonly classes?: ClassLabels;
  },
): Promise<LoadedSplits> {
  const { media: directory, needs, unsplit = "train" } = options;
  const around = surroundingsOf(options);
  const { data, seed } = experiment;
  let loaded: LoadedSplits;
  if (data.kind === "shards") loaded = await loadShards(data, frontEnd, unsplit, around);
  else {
    const ffmpeg = await findFfmpeg(around);
    const items =
      data.kind === "synthetic"
        ? await syntheticItems(data, { directory, ffmpeg, seed, ...around })
        : await manifestItems(data, unsplit, options.classes);
    for (const name of needs) expectSplit(name, items);
    const wanted = items.filter(({ split }) => options.only?.some((name) => name === split) ?? true);
    loaded = await loadSplits(wanted, frontEnd, { ffmpeg, ...around });
  }
  for (const message of loaded.messages) options.onNote?.(`left out: ${message}`);
  for (const name of needs) expectClips(name, loaded.splits[name]);
  return loaded;
}

async function loadShards(
  data: Extract<DataSource, { kind: "shards" }>,
  frontEnd: FrontEnd,
  unsplit: Unsplit,
  around: Surroundings,
): Promise<LoadedSplits> {
  const reader = await readShards(data.path, { remote: remoteAccess(environmentOf(around)) });
  const splits: Record<"train" | "validation" | "test", StoredClip[]> = { train: [], validation: [], test: [] };
  try {
    for await (const clip of reader.clips()) {
      const split = splitOf(clip.item.split, unsplit);
      if (Object.hasOwn(splits, split)) splits[split as Unsplit].push(storeClip(clip, frontEnd));
    }
  } finally {
    await reader.close();
  }
  return { splits, leftOut: reader.quarantined ?? {}, messages: [] };
}
