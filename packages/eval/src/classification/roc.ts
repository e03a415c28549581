import { inverseNormal } from "../normal.js";
import { groupTallies, type Ranked } from "./ranked.js";

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in which the positive scores higher, a tie counting
 * one half (scikit-learn's `roc_auc_score`). NaN without positives or without negatives.
 *
 * @param counts how often each clip counts, for the bootstrap
 */
export function rocAuc(ranked: Ranked, counts?: Int32Array): number {
  const { positives, negatives, groups } = groupTallies(ranked, counts);
  let higher = 0;
  let negativesAbove = 0;
  let pairsLost = 0;
  for (let group = 0; group < groups; group++) {
    pairsLost += positives[group] * (negativesAbove + negatives[group] / 2);
    higher += positives[group];
    negativesAbove += negatives[group];
  }
  return 1 - pairsLost / (higher * negativesAbove);
}

/** d′ = √2 · Φ⁻¹(AUC): how many deviations apart two unit normals with that AUC stand. Infinite at 0 and 1. */
export function dPrime(auc: number): number {
  return Math.SQRT2 * inverseNormal(auc);
}
