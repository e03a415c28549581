import type { Matrix } from "../matrix.js";
import { oneHot } from "./labels.js";
import { groupTallies, type Ranked, rank } from "./ranked.js";

/**
 * Average precision Σ (Rₙ − Rₙ₋₁)·Pₙ over thresholds, equal scores taken together: scikit-learn's
 * `average_precision_score`. NaN without positives, and without negatives, where any order has 1.
 *
 * @param counts how often each clip counts, for the bootstrap
 */
export function averagePrecision(ranked: Ranked, counts?: Int32Array): number {
  const { positives, negatives, groups } = groupTallies(ranked, counts);
  let hits = 0;
  let misses = 0;
  let sum = 0;
  for (let group = 0; group < groups; group++) {
    hits += positives[group];
    misses += negatives[group];
    if (positives[group] > 0) sum += (positives[group] * hits) / (hits + misses);
  }
  return misses === 0 ? Number.NaN : sum / hits;
}

/** One threshold of a precision–recall curve: predicted positive at `score` and above. */
export type PrecisionRecall = { readonly score: number; readonly precision: number; readonly recall: number };

/** The precision–recall curve, from the highest score down; empty without positives. */
export function precisionRecallCurve(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
): readonly PrecisionRecall[] {
  const ranked = rank(scores, targets);
  const { positives, negatives, groups } = groupTallies(ranked);
  const all = positives.reduce((sum, value) => sum + value, 0);
  if (all === 0) return [];
  const curve: PrecisionRecall[] = [];
  let hits = 0;
  let misses = 0;
  for (let group = 0; group < groups; group++) {
    hits += positives[group];
    misses += negatives[group];
    const score = scores[ranked.order[ranked.groupEnds[group] - 1]];
    curve.push({ score, precision: hits / (hits + misses), recall: hits / all });
  }
  return curve;
}

/**
 * The precision–recall curve of all kinds together (micro average): every clip's every kind is one decision.
 *
 * @param probabilities `[N, C]`
 * @param labels place of each clip's label, `[N]`
 */
export function microPrecisionRecall(probabilities: Matrix, labels: ArrayLike<number>): readonly PrecisionRecall[] {
  return precisionRecallCurve(probabilities.data, oneHot(labels, probabilities.shape[1]).data);
}
