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

const central = {
  top: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ],
  bottom: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
};
const tail = {
  top: [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  bottom: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
};
const polynomial = (coefficients: readonly number[], x: number) =>
  coefficients.reduce((value, coefficient) => value * x + coefficient, 0);

/** Φ⁻¹ by Acklam's rational approximation (2003), relative error below 1.2e-9. */
function inverseNormal(p: number): number {
  if (p <= 0 || p >= 1) return p === 0 ? -Infinity : p === 1 ? Infinity : Number.NaN;
  if (p < 0.02425 || p > 1 - 0.02425) {
    const q = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
    const value = polynomial(tail.top, q) / polynomial(tail.bottom, q);
    return p < 0.5 ? value : -value;
  }
  const q = p - 0.5;
  return (q * polynomial(central.top, q * q)) / polynomial(central.bottom, q * q);
}
