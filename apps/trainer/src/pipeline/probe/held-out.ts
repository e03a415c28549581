import { KdcError } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { type Recordings, recordingNumbers } from "@kdc-mae/eval";
import type { ModelConfig } from "@kdc-mae/model";
import { fittedSplit } from "../corpus/choose-clips.js";
import { clipFormFor } from "../corpus/clip-form.js";
import { type ClipSet, memorySet, shardSet } from "../corpus/clip-set.js";
import type { LoadedSplits } from "../corpus/load-clips.js";
import { openCorpus, spread } from "../corpus/open-corpus.js";
import { middleFrame } from "../evaluate/embed-clips.js";
import { recordingOf } from "../evaluate/parts-of-recordings.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { alone } from "../ranks/ranks.js";
import { pairingOf } from "../run/pairing.js";
import type { Surroundings } from "../surroundings.js";

type Probes = NonNullable<CheckedExperiment["training"]["probes"]>;

/** With its middle picture alone, the one evaluation looks at. */
const inShort = (clip: StoredClip): StoredClip => {
  const middle = middleFrame(clip);
  return { ...clip, frames: [clip.frames[middle]], times: [clip.times[middle]] };
};

/** Clips that a run is looked at with, at least two, and of each the recording it is a part of. */
export type HeldOut = { readonly clips: readonly StoredClip[]; readonly recordings: Recordings };

function refuse(what: string): never {
  throw new KdcError({
    where: "training.probes",
    what,
    remedy:
      "Take validation clips (data.splitBy=0.9,0.05,0.05 deals some where the data name none), or leave training.probes out",
    reason: "probes",
  });
}

/**
 * Asked before anything is decoded.
 *
 * @throws KdcError (`probes`) for the test split, and the one that is trained on
 */
export function expectHeldOut(
  { data }: Pick<CheckedExperiment, "data">,
  probes: Pick<Probes, "split"> | undefined,
): void {
  if (probes === undefined) return;
  const { split } = probes;
  if (/^(test|testing|eval|evaluation)$/i.test(split)) refuse(`split is "${split}", and test clips are for the end`);
  if (split === fittedSplit(data)) refuse(`split is "${split}", which is trained on`);
}

/** Clips to look at, of so many. @throws KdcError for fewer than two */
function enough({ items, read }: Looked, all: number, { split }: Probes, { onNote }: Surroundings): HeldOut {
  const clips = read.map(inShort);
  if (clips.length < 2) refuse(`the ${split} split has ${clips.length} clips to look at`);
  onNote?.(`probes: ${clips.length} of ${all} ${split} clips, which are not trained on`);
  const names = new Map(items.map((item) => [item.id, recordingOf(item)] as const));
  return { clips, recordings: recordingNumbers(clips.map(({ item: { id } }) => names.get(id) ?? id)) };
}
type Looked = { readonly items: ClipSet["items"]; readonly read: readonly StoredClip[] };

/**
 * As {@link heldOutClips}, of clips that are decoded already; none where the run is not looked at.
 *
 * @throws KdcError (`probes`) for a split without two clips
 */
export function heldOutOf(
  splits: LoadedSplits["splits"],
  probes: Probes | undefined,
  around: Surroundings,
): HeldOut | undefined {
  if (probes === undefined) return undefined;
  const all = splits[probes.split] ?? [];
  const read = spread(all, probes.clips);
  return enough({ items: memorySet(read).items, read }, all.length, probes, around);
}

/**
 * The clips a run is looked at on while it trains: some of a split that it is not trained on. Never the test clips: who
 * looks at them while choosing when to stop has no test left.
 *
 * @throws KdcError (`probes`) for the test split, the one that is trained on, and one without two clips
 */
export async function heldOutClips(
  experiment: Pick<CheckedExperiment, "data" | "seed" | "visual" | "model">,
  probes: Probes,
  config: ModelConfig,
  { media, ...given }: Surroundings & { readonly media: string },
): Promise<HeldOut> {
  // Of several ranks one looks: it must not wait for the others to do their share of the clips.
  const around = { ...given, ranks: alone };
  const { data } = experiment;
  const { split, clips: most } = probes;
  expectHeldOut(experiment, probes);
  const form = clipFormFor(config, pairingOf(experiment));
  if (data.kind === "shards") {
    const set = await shardSet(data, split, form, around);
    const read: StoredClip[] = [];
    try {
      for await (const clip of set.read()) {
        read.push(inShort(clip));
        if (read.length >= most) break;
      }
    } finally {
      await set.close();
    }
    return enough({ items: set.items, read }, set.items.length, probes, around);
  }
  const corpus = { ...around, media, needs: [], only: [split], sample: most };
  const { splits, placing } = await openCorpus(experiment, form, corpus);
  const read = splits[split] ?? [];
  return enough({ items: memorySet(read).items, read }, placing.counts[split] ?? 0, probes, around);
}
