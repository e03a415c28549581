import type { FloatTensor } from "@kdc-mae/core";

/** Sums over log-mel values, from which mean and standard deviation follow. */
export type LogMelSums = {
  readonly clips: number;
  readonly values: number;
  readonly sum: number;
  readonly squares: number;
};

/** Sums of the clips of each split, `none` for those that name none. */
export type SumsBySplit = Readonly<Record<string, LogMelSums>>;

export const noSums: LogMelSums = { clips: 0, values: 0, sum: 0, squares: 0 };

/** The sums of one clip's log-mel. */
export function sumsOf({ data }: FloatTensor): LogMelSums {
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  return { clips: 1, values: data.length, sum, squares };
}

export const addSums = (a: LogMelSums, b: LogMelSums): LogMelSums => ({
  clips: a.clips + b.clips,
  values: a.values + b.values,
  sum: a.sum + b.sum,
  squares: a.squares + b.squares,
});

/** {@link addSums}, split by split, in the order of their names. */
export function addBySplit(a: SumsBySplit, b: SumsBySplit): SumsBySplit {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(names.map((name) => [name, addSums(a[name] ?? noSums, b[name] ?? noSums)]));
}

export type LogMelStatistics = { readonly mean: number; readonly std: number };

/**
 * Mean and standard deviation. With `paddedValues` every clip counts as that many values, the missing ones as 0: the
 * statistics of padded spectrograms, which is what the reference models are normalised with.
 */
export function statisticsOf({ clips, values, sum, squares }: LogMelSums, paddedValues?: number): LogMelStatistics {
  const count = paddedValues === undefined ? values : clips * paddedValues;
  if (count === 0) return { mean: 0, std: 1 };
  const mean = sum / count;
  return { mean, std: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}
