import { readShards } from "@kdc-mae/data/node";
import type { CheckedExperiment } from "../experiment/schema.js";
import { environmentOf, type Surroundings } from "../surroundings.js";
import { choiceOf, fittedSplit } from "./choose-clips.js";
import { openDecoder } from "./open-decoder.js";
import { openItems } from "./open-items.js";
import { remoteAccess } from "./remote-access.js";

/** Clips that some data name: all, those that are trained on, and those of every split. */
export type CountedClips = {
  readonly clips: number;
  readonly training: number;
  readonly counts: Readonly<Record<string, number>>;
};

/** Clips of a data source, told by its list and not by its media. @throws KdcError for data that cannot be opened */
export async function countClips(
  { data, seed }: Pick<CheckedExperiment, "data" | "seed">,
  around: Surroundings,
): Promise<CountedClips> {
  if (data.kind === "synthetic") {
    const { train, validation, test } = data;
    return { clips: train + validation + test, training: train, counts: { train, validation, test } };
  }
  const split = fittedSplit(data);
  if (data.kind === "manifest") {
    const asked = { directory: "", opened: await openDecoder(around, data), seed, only: [split], most: 0 };
    const { counts } = (await openItems(data, { ...around, ...asked })).placing;
    const clips = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { clips, training: counts[split] ?? 0, counts };
  }
  const choice = await choiceOf(data);
  const reader = await readShards(data.path, { split, choice, remote: remoteAccess(environmentOf(around)) });
  await reader.close();
  return { clips: reader.everything.length, training: reader.count, counts: reader.placing.counts };
}
