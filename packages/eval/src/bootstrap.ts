import { createRng, KdcError, type Rng } from "@kdc-mae/core";
import { studentQuantile } from "./comparison/t-interval.js";
import { normal } from "./normal.js";
import { partsOf, type Recordings } from "./recordings.js";

/**
 * An interval of a figure. `resamples` counts the ones in which the figure existed; 0 of an exact interval, which draws none,
 * and of clips of one recording, whose ends are NaN: nothing is known of how far recordings differ.
 */
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
  /** What is drawn and left out as one: whole recordings, where clips are parts of fewer. Default: every clip by itself. */
  readonly recordings?: Recordings;
};

/** A figure recomputed from clips counted `counts[i]` times each; NaN where it does not exist in this resample. */
export type Statistic = (counts: Int32Array) => number;

/**
 * How often each of `clips` clips is drawn, resample by resample: one array, filled again for each. As many recordings are
 * drawn as there are, each with all of its clips, so that resamples differ in their number of clips (Davison and Hinkley
 * 1997, §3.8, where whole clusters are drawn and nothing within them).
 *
 * @throws KdcError (`empty`) for no clips
 */
export function* resamplesOf(
  clips: number,
  { rng = createRng("bootstrap"), resamples = 1000, level = 0.95, recordings }: BootstrapOptions = {},
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
  const parts = partsOf(clips, recordings);
  for (let r = 0; r < resamples; r++) {
    counts.fill(0);
    for (let i = 0; i < parts.length; i++) {
      const drawn = parts[rng.integer(parts.length)];
      for (let at = 0; at < drawn.length; at++) counts[drawn[at]]++;
    }
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
 * The share of resamples beyond either end: (1 − level) / 2, less as much as few draws make percentiles too narrow. A
 * resample's variance lacks the factor n / (n − 1), and a normal's ends stand for Student's (Hesterberg 2015, "expanded
 * percentile interval").
 */
function tailFor(drawn: number, level: number): number {
  if (drawn < 2 || drawn > 2000) return (1 - level) / 2;
  return normal(-Math.sqrt(drawn / (drawn - 1)) * studentQuantile(drawn - 1, level));
}

/** No interval: clips of one recording say nothing of how far recordings differ, nor does one that a figure stands on. */
const unknown = (level = 0.95): Interval => ({ low: Number.NaN, high: Number.NaN, level, resamples: 0 });

/** The percentiles between which a figure lies, widened where what was drawn, clips or recordings of them, is few. */
export function percentiles(
  sorted: Float64Array,
  clips: number,
  { level = 0.95, recordings }: Pick<BootstrapOptions, "level" | "recordings"> = {},
): Interval {
  const drawn = partsOf(clips, recordings).length;
  if (drawn === 1 && clips > 1) return unknown(level);
  const tail = tailFor(drawn, level);
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), level, resamples: sorted.length };
}

/**
 * Percentile bootstrap over clips (Efron 1979): every figure is recomputed on the same resamples of `clips` clips drawn
 * with replacement; the percentiles are widened for few clips (Hesterberg 2015). Where clips are parts of fewer recordings,
 * those are drawn, and those are what there may be few of.
 *
 * @throws KdcError (`empty`) for no clips
 */
export function bootstrap<Name extends string>(
  clips: number,
  statistics: Readonly<Record<Name, Statistic>>,
  options: BootstrapOptions = {},
): Readonly<Record<Name, Interval>> {
  const drawn = Object.entries<Float64Array>(resampled(clips, statistics, options));
  return Object.fromEntries(drawn.map(([name, values]) => [name, percentiles(values, clips, options)])) as Record<
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
 * A figure that does not exist without one clip, or one recording (which has all positives of its only kind), has no
 * interval: what it would be with another in its place nobody has seen.
 *
 * @param figures all of them, from 0 to 1, from clips counted `counts[i]` times each
 * @param options.resamples clips, or whole recordings of them, are left out one by one up to so many; of more, in so many groups
 * @returns `resamples` counts the clips, or groups of clips, that were left out in turn; ends are NaN where there is no interval
 */
export function jackknife<Name extends string>(
  clips: number,
  figures: (counts: Int32Array) => Readonly<Record<Name, number>>,
  { level = 0.95, resamples = 1000, recordings }: BootstrapOptions = {},
): Readonly<Record<Name, Interval>> {
  const counts = new Int32Array(clips).fill(1);
  const values = figures(counts);
  const names = Object.keys(values) as Name[];
  const parts = partsOf(clips, recordings);
  if (parts.length === 1 && clips > 1) {
    return Object.fromEntries(names.map((name) => [name, unknown(level)])) as Record<Name, Interval>;
  }
  const groups = Math.min(parts.length, resamples);
  const without = Array.from({ length: groups }, (_, group) => {
    const count = (times: number) => {
      for (let part = group; part < parts.length; part += groups) for (const clip of parts[part]) counts[clip] = times;
    };
    count(0);
    const left = figures(counts);
    count(1);
    return left;
  });
  // One group cannot be left out: nothing is known of how far its figure varies.
  const ends = groups < 2 ? 0 : studentQuantile(groups - 1, level);
  const intervalOf = (name: Name): Interval => {
    const all = without.map((left) => left[name]);
    if (groups > 1 && !all.every(Number.isFinite)) return unknown(level);
    const mean = all.reduce((sum, one) => sum + one, 0) / groups;
    const squares = groups < 2 ? 0 : all.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    const half = ends * Math.sqrt(((groups - 1) / groups) * squares);
    return { ...sharesAround(values[name], half), level, resamples: groups };
  };
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
