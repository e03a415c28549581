import { KdcError } from "@kdc-mae/core";
import type { Split } from "./split-names.js";

/**
 * What data were named for: `fitting`, whatever is done with them besides (an experiment's `data`), or `scoring` alone
 * (a fine-tuning's `evaluation.data`, `evaluate --data`).
 */
export type NamedFor = "fitting" | "scoring";

/** Where the clips of some data go. */
export type Placing = {
  /** The split of a clip by the split it names. */
  readonly of: (named: string | undefined) => string;
  /** How many clips each split has. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many name none, and where they went. */
  readonly unnamed: { readonly count: number; readonly to: Split };
  /** Recordings with clips in both of two splits, where the data say what clips are parts of. */
  readonly recordingsInBoth?: (one: string, other: string) => readonly string[];
};

/**
 * The one rule by which clips are fitted or scored, for lists, folders and shards and in every command: a clip goes to
 * the split it names; one that names none is for training. Only where data were named for scoring alone and no clip
 * names a split, all are scored. A clip is thus in one split, fitting takes one split and scoring another, and none is
 * in both. A split that is none of ours is neither fitted nor scored.
 *
 * @param named what each clip names
 * @param scored where the clips go that are all to be scored
 */
export function placeClips(
  named: Iterable<string | undefined>,
  namedFor: NamedFor = "fitting",
  scored: Split = "test",
): Placing {
  const counts = new Map<string, number>();
  let count = 0;
  for (const split of named) {
    if (split === undefined) count++;
    else counts.set(split, (counts.get(split) ?? 0) + 1);
  }
  const to = namedFor === "scoring" && counts.size === 0 ? scored : "train";
  if (count > 0) counts.set(to, (counts.get(to) ?? 0) + count);
  return {
    of: (split) => split ?? to,
    counts: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    unnamed: { count, to },
  };
}

/** What a command does with the clips of a split. */
export type SplitUse = "fitted" | "scored" | "looked at";

/** In one line, such as `train 80 (fitted), test 20 (scored), validation 10 (not used); 3 name no split: train`. */
export function placingInWords({ counts, unnamed }: Placing, uses: Readonly<Record<string, SplitUse>>): string {
  const parts = Object.entries(counts).map(
    ([split, count]) => `${split} ${count} (${Object.hasOwn(uses, split) ? uses[split] : "not used"})`,
  );
  const blank = unnamed.count === 0 ? "" : `; ${unnamed.count} name no split and count as ${unnamed.to}`;
  return `${parts.length === 0 ? "no clips" : parts.join(", ")}${blank}`;
}

/**
 * Refuses data without a clip of a split that is needed, before anything is decoded.
 *
 * @param counts clips by split, as {@link placeClips} counts them
 * @param where what the error names: the data's path
 * @throws KdcError reason `empty-split` for a split that no clip is of
 *
 * @example
 * ```ts
 * import { expectSplit, openManifest, placeClips } from "@kdc-mae/data/node";
 *
 * const splits: (string | undefined)[] = [];
 * for await (const { split } of (await openManifest("clips.csv")).items()) splits.push(split);
 * expectSplit(placeClips(splits), "test", "clips.csv");
 * ```
 */
export function expectSplit({ counts }: Pick<Placing, "counts">, split: string, where: string): void {
  if ((counts[split] ?? 0) > 0) return;
  const found = Object.entries(counts).slice(0, 8);
  throw new KdcError({
    where,
    what: `no clip is of the ${split} split (clips by split: ${found.length === 0 ? "none at all" : found.map((one) => one.join(" ")).join(", ")})`,
    remedy:
      "Say which clips are of it (a list's column split, folders train, validation, test), share them out (--split-by 0.8,0.1,0.1), or ask for another split",
    reason: "empty-split",
  });
}
