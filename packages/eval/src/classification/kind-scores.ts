import { type BootstrapOptions, type Interval, jackknife, mapInterval, type Statistic } from "../bootstrap.js";
import type { Matrix } from "../matrix.js";
import { averagePrecision } from "./average-precision.js";
import { type Ranked, rank } from "./ranked.js";
import { dPrime, rocAuc } from "./roc.js";

/** Ranking figures of one kind; null where they do not exist, and `excluded` says why. */
export type KindScores = {
  readonly kind: string;
  readonly positives: number;
  readonly averagePrecision: number | null;
  readonly auc: number | null;
};

/** Ranking figures over all kinds that have both positives and negatives. */
export type RankingScores = {
  readonly mAP: number | null;
  readonly auc: number | null;
  readonly dPrime: number | null;
  readonly kinds: readonly KindScores[];
  /** Kinds that take no part in the means, with the reason. */
  readonly excluded: Readonly<Record<string, string>>;
  /** The means recomputed on counted clips, for their intervals. */
  readonly statistics: Readonly<Record<"mAP" | "auc", Statistic>>;
};

/**
 * Their intervals. Average precision is raised by having few positives, and a resample, which holds some twice, raises it
 * again; an area near 1 varies downwards more than its percentiles do (decision 12). Leaving clips out does neither.
 */
export function rankingIntervals(
  clips: number,
  { mAP, auc }: RankingScores["statistics"],
  options?: BootstrapOptions,
): Readonly<Record<"mAP" | "auc" | "dPrime", Interval>> {
  const means = jackknife(clips, (counts) => ({ mAP: mAP(counts), auc: auc(counts) }), options);
  return { ...means, dPrime: mapInterval(means.auc, dPrime) };
}

/** Null instead of NaN and infinities, which JSON cannot hold. */
const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

function exclusion(positives: number, clips: number): string | undefined {
  if (positives === 0) return "no positive clips";
  return positives === clips ? "no negative clips" : undefined;
}

/** Average precision and AUC of every kind and their means. `scores [N, C]`, `targets [N, C]` of 0/1. */
export function rankKinds(kinds: readonly string[], scores: Matrix, targets: Matrix): RankingScores {
  const clips = scores.shape[0];
  const width = kinds.length;
  const column = (source: Matrix, c: number) =>
    Float32Array.from({ length: clips }, (_, i) => source.data[i * width + c]);
  const excluded: Record<string, string> = {};
  const ranked: Ranked[] = [];
  const rows = kinds.map((kind, c): KindScores => {
    const one = rank(column(scores, c), column(targets, c));
    const positives = one.positive.reduce((sum, value) => sum + value, 0);
    const reason = exclusion(positives, clips);
    if (reason !== undefined) {
      excluded[kind] = reason;
      return { kind, positives, averagePrecision: null, auc: null };
    }
    ranked.push(one);
    return { kind, positives, averagePrecision: averagePrecision(one), auc: rocAuc(one) };
  });
  const meanWhereDefined = (of: (one: Ranked, counts?: Int32Array) => number) => (counts?: Int32Array) => {
    const values = ranked.map((one) => of(one, counts)).filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const meanAP = meanWhereDefined(averagePrecision);
  const meanAuc = meanWhereDefined(rocAuc);
  return {
    mAP: finiteOrNull(meanAP()),
    auc: finiteOrNull(meanAuc()),
    dPrime: finiteOrNull(dPrime(meanAuc())),
    kinds: rows,
    excluded,
    statistics: { mAP: meanAP, auc: meanAuc },
  };
}
