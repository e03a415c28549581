import { bootstrap, type Interval, meanOf } from "../bootstrap.js";
import { pairedPermutation } from "../permutation.js";
import { fewerThan, recordingNumbers } from "../recordings.js";
import { intervalWhereAlike } from "../where-alike.js";
import { type MeanInterval, tInterval } from "./t-interval.js";

/** One figure of one run: what a seed gave, and what it gave on each clip where that exists. */
export type SeedValue = {
  readonly seed: number;
  readonly value: number;
  /** By clip id; their mean is `value`. */
  readonly clips?: Readonly<Record<string, number>>;
};

/** How far an arm is from another, each unit of pairing by itself. */
export type PairedDifference = {
  /** Runs of the same seed are pairs. What would happen on the same clips with other seeds. */
  readonly overSeeds: MeanInterval & {
    readonly p: number;
    /** No p over this many pairs can be below it: 2 / 2ⁿ. */
    readonly smallestP: number;
  };
  /**
   * The same clip is a pair, its score averaged over the shared seeds. What would happen with these trained models on
   * other clips. Null where there are no scores by clip.
   */
  readonly overClips: {
    readonly mean: number;
    readonly interval: Interval;
    readonly p: number;
    readonly n: number;
    /** Recordings that the clips are parts of, where those are fewer: drawn whole, each with one sign. */
    readonly recordings?: number;
    /** Seeds that each clip's score is averaged over. */
    readonly seeds: number;
  } | null;
};

/** Scores by clip averaged over runs, for the clips that every run scored. */
function averaged(runs: readonly SeedValue[], ids: readonly string[]): Float64Array {
  return Float64Array.from(ids, (id) => runs.reduce((sum, { clips }) => sum + (clips?.[id] ?? 0), 0) / runs.length);
}

/** Ids that every run has a score for, in the first run's order; undefined where some run has no scores by clip. */
function sharedIds(runs: readonly SeedValue[]): readonly string[] | undefined {
  if (runs.length === 0 || runs.some(({ clips }) => clips === undefined)) return undefined;
  return Object.keys(runs[0].clips ?? {}).filter((id) =>
    runs.every(({ clips }) => clips !== undefined && Object.hasOwn(clips, id)),
  );
}

/** Whether every clip's score is right or wrong, so that differences lie between −1 and 1 whatever the clips are. */
const areShares = (runs: readonly SeedValue[], ids: readonly string[]): boolean =>
  runs.every(({ clips }) => ids.every((id) => clips?.[id] === 0 || clips?.[id] === 1));

/**
 * The difference arm − reference, over the seeds that both have.
 *
 * @param recordings the recording of a clip by its id, where it is a part of one
 * @returns undefined where they share no seed
 */
export function pairedDifference(
  arm: readonly SeedValue[],
  reference: readonly SeedValue[],
  recordings: Readonly<Record<string, string>> = {},
): PairedDifference | undefined {
  const pairs = arm.flatMap((run) => {
    const other = reference.find(({ seed }) => seed === run.seed);
    return other === undefined ? [] : [[run, other] as const];
  });
  if (pairs.length === 0) return undefined;
  const [first, second] = [pairs.map(([run]) => run), pairs.map(([, run]) => run)];
  const values = (runs: readonly SeedValue[]) => runs.map(({ value }) => value);
  const overSeeds = {
    ...tInterval(pairs.map(([run, other]) => run.value - other.value)),
    p: pairedPermutation(values(first), values(second)).p,
    smallestP: 2 / 2 ** pairs.length,
  };
  const ids = sharedIds([...first, ...second]);
  if (ids === undefined || ids.length === 0) return { overSeeds, overClips: null };
  const [ours, theirs] = [averaged(first, ids), averaged(second, ids)];
  const parts = recordingNumbers(ids.map((id) => (Object.hasOwn(recordings, id) ? recordings[id] : id)));
  const test = pairedPermutation(ours, theirs, { recordings: parts });
  const differences = ours.map((value, i) => value - theirs[i]);
  const drawn = bootstrap(ids.length, { difference: meanOf(differences) }, { recordings: parts }).difference;
  const alike = areShares([...first, ...second], ids)
    ? intervalWhereAlike(differences, [-1, 1], drawn.level, parts)
    : undefined;
  return {
    overSeeds,
    overClips: {
      ...{ mean: test.difference, interval: alike ?? drawn, p: test.p },
      ...{ n: ids.length, ...fewerThan(ids.length, parts), seeds: pairs.length },
    },
  };
}

/**
 * Holm's step-down adjustment (Holm 1979): p-values of one family, each made as large as keeps the chance of any false
 * alarm in the family at the level it is compared with.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  const adjusted = new Array<number>(values.length);
  let least = 0;
  for (const [place, index] of order.entries()) {
    least = Math.max(least, Math.min(1, (values.length - place) * values[index]));
    adjusted[index] = least;
  }
  return adjusted;
}
