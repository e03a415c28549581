import { createRng, KdcError, type Rng } from "@kdc-mae/core";
import { studentQuantile } from "./comparison/t-interval.js";
import { normal } from "./normal.js";

/** An interval of a figure. `resamples` counts the ones in which the figure existed; 0 of an exact interval, which draws none. */
export type Interval = {
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly resamples: number;
};

/** How intervals are drawn. */
export type BootstrapOptions = {
  /** Default: a fixed stream, so that the same results give the same interval everywhere. */
  readonly rng?: Rng;
  /** Default 1000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly level?: number;
};

/** A figure recomputed from clips counted `counts[i]` times each; NaN where it does not exist in this resample. */
export type Statistic = (counts: Int32Array) => number;

/**
 * How often each of `clips` clips is drawn, resample by resample: one array, filled again for each.
 *
 * @throws KdcError (`empty`) for no clips
 */
export function* resamplesOf(
  clips: number,
  { rng = createRng("bootstrap"), resamples = 1000, level = 0.95 }: BootstrapOptions = {},
): Generator<Int32Array> {
  if (clips < 1 || resamples < 1 || !(level > 0 && level < 1)) {
    throw new KdcError({
      where: "bootstrap",
      what: `${clips} clips, ${resamples} resamples and level ${level} give no interval`,
      remedy: "Give at least one clip and one resample, and a level between 0 and 1",
      reason: "empty",
    });
  }
  const counts = new Int32Array(clips);
  for (let r = 0; r < resamples; r++) {
    counts.fill(0);
    for (let i = 0; i < clips; i++) counts[rng.integer(clips)]++;
    yield counts;
  }
}

/** Every statistic on the same resamples of `clips` clips drawn with replacement; values that exist, in rising order. */
function resampled<Name extends string>(
  clips: number,
  statistics: Readonly<Record<Name, Statistic>>,
  options: BootstrapOptions,
): Readonly<Record<Name, Float64Array>> {
  const names = Object.keys(statistics) as Name[];
  const drawn = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (const counts of resamplesOf(clips, options)) {
    for (const name of names) {
      const value = statistics[name](counts);
      if (Number.isFinite(value)) drawn.get(name)?.push(value);
    }
  }
  return Object.fromEntries(names.map((name) => [name, Float64Array.from(drawn.get(name) ?? []).sort()])) as Record<
    Name,
    Float64Array
  >;
}

/**
 * The share of resamples beyond either end: (1 − level) / 2, less as much as few clips make percentiles too narrow. A
 * resample's variance lacks the factor n / (n − 1), and a normal's ends stand for Student's (Hesterberg 2015, "expanded
 * percentile interval").
 */
function tailFor(clips: number, level: number): number {
  if (clips < 2 || clips > 2000) return (1 - level) / 2;
  return normal(-Math.sqrt(clips / (clips - 1)) * studentQuantile(clips - 1, level));
}

/** The percentiles between which a figure of so many clips lies, widened where they are few. */
export function percentiles(sorted: Float64Array, clips: number, level = 0.95): Interval {
  const tail = tailFor(clips, level);
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), level, resamples: sorted.length };
}

/**
 * Percentile bootstrap over clips (Efron 1979): every figure is recomputed on the same resamples of `clips` clips drawn
 * with replacement; the percentiles are widened for few clips (Hesterberg 2015).
 *
 * @throws KdcError (`empty`) for no clips
 */
export function bootstrap<Name extends string>(
  clips: number,
  statistics: Readonly<Record<Name, Statistic>>,
  options: BootstrapOptions = {},
): Readonly<Record<Name, Interval>> {
  const drawn = Object.entries<Float64Array>(resampled(clips, statistics, options));
  return Object.fromEntries(drawn.map(([name, values]) => [name, percentiles(values, clips, options.level)])) as Record<
    Name,
    Interval
  >;
}

/**
 * Student's intervals of shares, their errors from a jackknife (Tukey 1958): for figures that resampling raises, because a
 * resample holds clips twice, and what ranks high in it ranks higher still. Leaving clips out doubles none. They are the
 * intervals of the figures *at this number of clips*, whatever they would be for more. Ends are as far in log odds, the error
 * carried there by the slope at the figure, 1 / (p·(1 − p)): a share near 1 varies downwards more than upwards, and ends
 * stay within 0–1 (Pepe 2003, §5.2, for AUC; Boyd, Eng and Page 2013 for average precision).
 *
 * @param figures all of them, from 0 to 1, from clips counted `counts[i]` times each
 * @param options.resamples clips are left out one by one up to so many; of more, in so many groups
 * @returns `resamples` counts the clips, or groups of clips, that were left out in turn
 */
export function jackknife<Name extends string>(
  clips: number,
  figures: (counts: Int32Array) => Readonly<Record<Name, number>>,
  { level = 0.95, resamples = 1000 }: BootstrapOptions = {},
): Readonly<Record<Name, Interval>> {
  const counts = new Int32Array(clips).fill(1);
  const values = figures(counts);
  const groups = Math.min(clips, resamples);
  const without = Array.from({ length: groups }, (_, group) => {
    for (let clip = group; clip < clips; clip += groups) counts[clip] = 0;
    const left = figures(counts);
    for (let clip = group; clip < clips; clip += groups) counts[clip] = 1;
    return left;
  });
  // One group cannot be left out: nothing is known of how far its figure varies.
  const ends = groups < 2 ? 0 : studentQuantile(groups - 1, level);
  const intervalOf = (name: Name): Interval => {
    const known = without.map((left) => left[name]).filter(Number.isFinite);
    const mean = known.reduce((sum, one) => sum + one, 0) / known.length;
    const squares = groups < 2 ? 0 : known.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    const half = ends * Math.sqrt(((groups - 1) / groups) * squares);
    return { ...sharesAround(values[name], half), level, resamples: known.length };
  };
  const names = Object.keys(values) as Name[];
  return Object.fromEntries(names.map((name) => [name, intervalOf(name)])) as Record<Name, Interval>;
}

/** Shares on either side of one, as far from it in log odds as `half` is at its place. All and none have no odds. */
function sharesAround(share: number, half: number): { readonly low: number; readonly high: number } {
  if (share <= 0 || share >= 1) return { low: Math.max(0, share - half), high: Math.min(1, share + half) };
  const odds = share / (1 - share);
  const times = Math.exp(half / (share * (1 - share)));
  return { low: odds / (odds + times), high: odds / (odds + 1 / times) };
}

/** The statistic "mean of one value per clip"; clips whose value is NaN take no part. */
export function meanOf(values: ArrayLike<number>): Statistic {
  return (counts) => {
    let sum = 0;
    let clips = 0;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0 || Number.isNaN(values[i])) continue;
      sum += counts[i] * values[i];
      clips += counts[i];
    }
    return sum / clips;
  };
}

/** The statistic "median of one value per clip" (mean of the two middle ones for an even count). */
export function medianOf(values: ArrayLike<number>): Statistic {
  const order = Int32Array.from({ length: values.length }, (_, index) => index).sort((a, b) => values[a] - values[b]);
  return (counts) => {
    let total = 0;
    for (let i = 0; i < counts.length; i++) total += counts[i];
    let [at, before] = [-1, 0];
    const valueAt = (place: number): number => {
      while (before <= place) before += counts[order[++at]];
      return values[order[at]];
    };
    return total % 2 === 1 ? valueAt((total - 1) / 2) : (valueAt(total / 2 - 1) + valueAt(total / 2)) / 2;
  };
}

/** The interval of a figure that only rises, or only falls, with another: percentiles go along. */
export function mapInterval(interval: Interval, map: (value: number) => number): Interval {
  const [one, other] = [map(interval.low), map(interval.high)];
  return { ...interval, low: Math.min(one, other), high: Math.max(one, other) };
}

/** Quantile of sorted values, the i-th of n standing at i / (n + 1), straight lines between; NaN for none. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = Math.min(sorted.length - 1, Math.max(0, share * (sorted.length + 1) - 1));
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}
