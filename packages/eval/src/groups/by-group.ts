import { createRng, KdcError, type Rng } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, meanOf } from "../bootstrap.js";

/** A figure in one group of clips. */
export type GroupFigure = {
  readonly group: string;
  readonly clips: number;
  readonly mean: number;
  /** Clips of the group resampled. */
  readonly interval: Interval;
};

/** A figure in every group, and how far groups are apart. */
export type ByGroup = {
  readonly groups: readonly GroupFigure[];
  /** Largest difference of two groups' means. */
  readonly gap: number;
  readonly highest: string;
  readonly lowest: string;
  /** Share of random dealings of the clips to groups of the same sizes with a gap as large, this one among them. */
  readonly p: number;
  readonly permutations: number;
};

/**
 * A figure that is a mean of one number per clip (accuracy, recall at 1, squared error, cIoU), group by group. Groups
 * differ by chance alone, the more so the smaller they are: the permutation test deals the clips to groups anew.
 *
 * @param values one number per clip
 * @param groups the same clips' groups
 * @param options `fewest`: groups of fewer clips are left out; default 2
 * @throws KdcError for unequal lengths, values that are not finite, fewer than two groups
 */
export function byGroup(
  values: ArrayLike<number>,
  groups: readonly string[],
  options: {
    readonly fewest?: number;
    readonly permutations?: number;
    readonly rng?: Rng;
    readonly intervals?: BootstrapOptions;
  } = {},
): ByGroup {
  const { fewest = 2, permutations = 10_000, rng = createRng("groups") } = options;
  const members = new Map<string, number[]>();
  for (const [clip, group] of groups.entries()) {
    const own = members.get(group);
    if (own === undefined) members.set(group, [clip]);
    else own.push(clip);
  }
  const kept = [...members].filter(([, own]) => own.length >= fewest).sort(([a], [b]) => (a < b ? -1 : 1));
  const bad = Array.from(values).findIndex((value) => !Number.isFinite(value));
  if (values.length !== groups.length || bad >= 0 || kept.length < 2) {
    throw new KdcError({
      where: "byGroup",
      what:
        values.length !== groups.length
          ? `${values.length} values and ${groups.length} groups are not of the same clips`
          : bad >= 0
            ? `clip ${bad} has the value ${values[bad]}`
            : `${kept.length} groups have ${fewest} clips or more`,
      remedy: "Give one finite value and one group for every clip, and at least two groups",
      reason: "groups",
    });
  }
  const figures = kept.map(([group, own]): GroupFigure => {
    const mean = meanOf(own.map((clip) => values[clip]));
    const interval = bootstrap(own.length, { mean }, options.intervals).mean;
    return { group, clips: own.length, mean: mean(new Int32Array(own.length).fill(1)), interval };
  });
  const clips = kept.flatMap(([, own]) => own);
  const sizes = kept.map(([, own]) => own.length);
  const gapOf = (order: ArrayLike<number>): number => {
    let [place, most, least] = [0, -Infinity, Infinity];
    for (const size of sizes) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += values[clips[order[place++]]];
      most = Math.max(most, sum / size);
      least = Math.min(least, sum / size);
    }
    return most - least;
  };
  const gap = gapOf(clips.map((_, index) => index));
  // Sums of the same numbers in another order differ by rounding; they must still count as equally far.
  const slack = 1e-12 * Math.max(1, gap);
  let hits = 0;
  for (let t = 0; t < permutations; t++) if (gapOf(rng.permutation(clips.length)) >= gap - slack) hits++;
  const by = (better: (a: number, b: number) => boolean) =>
    figures.reduce((best, one) => (better(one.mean, best.mean) ? one : best)).group;
  return {
    ...{ groups: figures, gap, p: (1 + hits) / (1 + permutations), permutations },
    ...{ highest: by((a, b) => a > b), lowest: by((a, b) => a < b) },
  };
}
