import { createRng, KdcError, type Rng } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, meanOf } from "../bootstrap.js";
import { atPlaces, partsOf, type Recordings } from "../recordings.js";
import { withExact } from "../where-alike.js";

/** A figure in one group of clips. */
export type GroupFigure = {
  readonly group: string;
  readonly clips: number;
  readonly mean: number;
  /** Clips of the group resampled; exact where all values are 0 or 1, a share, and those of the group alike. */
  readonly interval: Interval;
};

/** How far groups are apart, and how likely chance alone is to put them as far. */
export type Gap = {
  /** Largest difference of two groups' figures. */
  readonly gap: number;
  readonly highest: string;
  readonly lowest: string;
  /** Share of random dealings of the clips to groups of the same sizes with a gap as large, this one among them. */
  readonly p: number;
  readonly permutations: number;
};

/** A figure in every group, and how far groups are apart. */
export type ByGroup = Gap & { readonly groups: readonly GroupFigure[] };

/** Clips by group, sorted by name; groups of fewer than `fewest` clips are left out. */
export function membersOf(groups: readonly (string | undefined)[], fewest = 2): ReadonlyMap<string, readonly number[]> {
  const members = new Map<string, number[]>();
  for (const [clip, group] of groups.entries()) {
    if (group === undefined) continue;
    const own = members.get(group);
    if (own === undefined) members.set(group, [clip]);
    else own.push(clip);
  }
  return new Map([...members].filter(([, own]) => own.length >= fewest).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The largest gap between groups, and its permutation test (Fisher 1935): groups differ by chance alone, the more so the
 * smaller they are, so the clips are dealt to groups of the same sizes anew. Groups in which the figure does not exist
 * take no part. Whole recordings are dealt, to groups of as many: windows of one film were never free to be anywhere. (Of a
 * recording that is in several groups, what each group has of it is dealt as one.)
 *
 * @param over the figure of some clips
 * @param members clips of each group
 * @returns undefined where fewer than two groups have the figure
 */
export function gapBetween(
  over: (clips: ArrayLike<number>) => number,
  members: ReadonlyMap<string, readonly number[]>,
  {
    permutations = 10_000,
    rng = createRng("groups"),
    recordings,
  }: { readonly permutations?: number; readonly rng?: Rng; readonly recordings?: Recordings } = {},
): Gap | undefined {
  const names = [...members.keys()];
  const parts = [...members.values()].map((own) => partsWithin(own, recordings));
  const units = parts.flat();
  const ends = parts.map((_, at) => parts.slice(0, at + 1).reduce((sum, own) => sum + own.length, 0));
  const clips = new Int32Array(units.reduce((sum, unit) => sum + unit.length, 0));
  /** Every group's figure where it gets as many units as it has, in this order. */
  const valuesOf = (order: ArrayLike<number>): readonly number[] => {
    let [unit, clip] = [0, 0];
    return ends.map((end) => {
      const first = clip;
      for (; unit < end; unit++) for (const one of units[order[unit]]) clips[clip++] = one;
      return over(clips.subarray(first, clip));
    });
  };
  const widthOf = (values: readonly number[]): number => {
    const known = values.filter(Number.isFinite);
    return known.length < 2 ? Number.NaN : Math.max(...known) - Math.min(...known);
  };
  const own = valuesOf([...units.keys()]);
  const gap = widthOf(own);
  if (Number.isNaN(gap)) return undefined;
  // Sums of the same numbers in another order differ by rounding; they must still count as equally far.
  const slack = 1e-12 * Math.max(1, gap);
  let [hits, dealt] = [0, 0];
  for (let t = 0; t < permutations; t++) {
    const width = widthOf(valuesOf(rng.permutation(units.length)));
    // A dealing in which fewer than two groups have the figure has no gap, small or large.
    if (Number.isNaN(width)) continue;
    dealt++;
    if (width >= gap - slack) hits++;
  }
  const known = own.filter(Number.isFinite);
  return {
    ...{ gap, p: (1 + hits) / (1 + dealt), permutations: dealt },
    highest: names[own.indexOf(Math.max(...known))],
    lowest: names[own.indexOf(Math.min(...known))],
  };
}

/** What is dealt as one of a group's clips. */
const partsWithin = (own: readonly number[], recordings: Recordings | undefined): readonly Int32Array[] =>
  partsOf(own.length, atPlaces({ recordings }, own)?.recordings).map((part) => part.map((at) => own[at]));

/**
 * A figure that is a mean of one number per clip (accuracy, recall at 1, squared error, cIoU), group by group.
 *
 * @param values one number per clip
 * @param groups the same clips' groups
 * @param options `fewest`: groups of fewer clips are left out; default 2
 * @throws KdcError for unequal lengths, values that are not finite, fewer than two groups
 *
 * @example
 * ```ts
 * import { byGroup } from "@kdc-mae/eval";
 *
 * const { gap, highest, p } = byGroup([1, 1, 0, 1, 0, 0], ["near", "near", "near", "far", "far", "far"]);
 * ```
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
  const { fewest = 2 } = options;
  const { recordings } = options.intervals ?? {};
  const members = membersOf(groups, fewest);
  const bad = Array.from(values).findIndex((value) => !Number.isFinite(value));
  if (values.length !== groups.length || bad >= 0 || members.size < 2) {
    throw new KdcError({
      where: "byGroup",
      what:
        values.length !== groups.length
          ? `${values.length} values and ${groups.length} groups are not of the same clips`
          : bad >= 0
            ? `clip ${bad} has the value ${values[bad]}`
            : `${members.size} groups have ${fewest} clips or more`,
      remedy: "Give one finite value and one group for every clip, and at least two groups",
      reason: "groups",
    });
  }
  const over = (clips: ArrayLike<number>): number => {
    let sum = 0;
    for (let i = 0; i < clips.length; i++) sum += values[clips[i]];
    return sum / clips.length;
  };
  const isShare = Array.from(values).every((value) => value === 0 || value === 1);
  const figures = [...members].map(([group, own]): GroupFigure => {
    const chosen = own.map((clip) => values[clip]);
    const mean = meanOf(chosen);
    const intervals = atPlaces(options.intervals, own);
    const drawn = bootstrap(own.length, { mean }, intervals);
    return {
      ...{ group, clips: own.length, mean: over(own) },
      interval: withExact(drawn, isShare ? { mean: chosen } : {}, intervals?.recordings).mean,
    };
  });
  return { groups: figures, ...(gapBetween(over, members, { ...options, recordings }) as Gap) };
}
