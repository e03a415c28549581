import { KdcError } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { ModelConfig } from "@kdc-mae/model";
import { fittedSplit } from "../corpus/choose-clips.js";
import { clipFormFor } from "../corpus/clip-form.js";
import { shardSet } from "../corpus/clip-set.js";
import type { LoadedSplits } from "../corpus/load-clips.js";
import { openCorpus, spread } from "../corpus/open-corpus.js";
import { middleFrame } from "../evaluate/embed-clips.js";
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
function enough(clips: readonly StoredClip[], all: number, { split }: Probes, { onNote }: Surroundings) {
  if (clips.length < 2) refuse(`the ${split} split has ${clips.length} clips to look at`);
  onNote?.(`probes: ${clips.length} of ${all} ${split} clips, which are not trained on`);
  return clips;
}

/**
 * As {@link heldOutClips}, of clips that are decoded already; none where the run is not looked at.
 *
 * @throws KdcError (`probes`) for a split without two clips
 */
export function heldOutOf(
  splits: LoadedSplits["splits"],
  probes: Probes | undefined,
  around: Surroundings,
): readonly StoredClip[] | undefined {
  if (probes === undefined) return undefined;
  const all = splits[probes.split] ?? [];
  return enough(spread(all, probes.clips).map(inShort), all.length, probes, around);
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
): Promise<readonly StoredClip[]> {
  // Of several ranks one looks: it must not wait for the others to do their share of the clips.
  const around = { ...given, ranks: alone };
  const { data } = experiment;
  const { split, clips: most } = probes;
  expectHeldOut(experiment, probes);
  const form = clipFormFor(config, pairingOf(experiment));
  const clips: StoredClip[] = [];
  let all = 0;
  if (data.kind === "shards") {
    const set = await shardSet(data, split, form, around);
    all = set.items.length;
    try {
      for await (const clip of set.read()) {
        clips.push(inShort(clip));
        if (clips.length >= most) break;
      }
    } finally {
      await set.close();
    }
  } else {
    const corpus = { ...around, media, needs: [], only: [split], sample: most };
    const { splits, placing } = await openCorpus(experiment, form, corpus);
    clips.push(...(splits[split] ?? []).map(inShort));
    all = placing.counts[split] ?? 0;
  }
  return enough(clips, all, probes, around);
}
