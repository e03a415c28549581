import type { StoredClip } from "@kdc-mae/data";
import { batchThreads, openShards, shardStatistics } from "@kdc-mae/data/node";
import { environmentOf, type Surroundings } from "../surroundings.js";
import { choiceOf, type DataSource } from "./choose-clips.js";
import type { ClipForm } from "./clip-form.js";
import { type DataDigest, shardData } from "./data-digest.js";
import { batchOptions, heldClips, type TrainingClips } from "./held-clips.js";
import { remoteAccess } from "./remote-access.js";

/** Clips held in memory, their batches made in threads. */
export const clipsInMemory = (clips: readonly StoredClip[], form: ClipForm, named?: DataDigest): TrainingClips =>
  heldClips(clips, form, { named, openPool: batchThreads });

/** Clips of a split of prepared shards, read as they are needed. */
export async function clipsInShards(
  data: Extract<DataSource, { kind: "shards" }>,
  split: string,
  form: ClipForm,
  around: Surroundings,
): Promise<TrainingClips> {
  const where = { split, choice: await choiceOf(data), remote: remoteAccess(environmentOf(around)) };
  return {
    measure: () => shardStatistics(data.path, { ...where, audio: form.audio }),
    async open(recipe) {
      const loader = await openShards(data.path, { ...batchOptions(form, recipe), ...where });
      return { ...loader, data: shardData(loader) };
    },
  };
}
