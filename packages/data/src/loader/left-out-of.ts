import type { Placing } from "../dataset/place-clips.js";
import type { ShardSet } from "../shards/shard-set.js";

/** Clips that could not be used, by the split they would be in and by reason. */
export type LeftOutBySplit = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What stands behind a reason where it is not known of which split the clip would be. */
export const ANY_SPLIT = "(of any split)";

/**
 * What a prepared set says of clips that could not be prepared, in the splits where its other clips go. Those of which it
 * does not say the split (sets of earlier versions, splits dealt when the set is read) stand in every split, as what they are.
 */
export function leftOutOf(
  { quarantined = {}, quarantinedBySplit = {} }: Pick<ShardSet, "quarantined" | "quarantinedBySplit">,
  placing: Placing,
): LeftOutBySplit {
  const splits: Record<string, Record<string, number>> = Object.fromEntries(
    ["train", "validation", "test", ...Object.keys(placing.counts)].map((split) => [split, {}]),
  );
  const unknown = new Map(Object.entries(quarantined));
  for (const [named, reasons] of Object.entries(quarantinedBySplit)) {
    if (named === "none" && placing.unnamed.count === 0) continue;
    const split = placing.of(named === "none" ? undefined : named);
    splits[split] ??= {};
    for (const [reason, count] of Object.entries(reasons)) {
      splits[split][reason] = (splits[split][reason] ?? 0) + count;
      unknown.set(reason, (unknown.get(reason) ?? 0) - count);
    }
  }
  for (const reasons of Object.values(splits)) {
    for (const [reason, count] of unknown) if (count > 0) reasons[`${reason} ${ANY_SPLIT}`] = count;
  }
  return splits;
}
