import type { KindScores } from "./kind-scores.js";

/**
 * What average precision a random order has, on average over all orders of `total` clips with `hits` positives:
 * (1/T) · [H_T · (1 − q) + T · q], q = (hits − 1) / (T − 1), H_T the T-th harmonic number. It tends to the share of
 * positives, but from well above it where positives are few: 0.052 and not 0.01 for one in a hundred.
 */
export function chanceAveragePrecision(hits: number, total: number): number {
  if (total <= 1) return hits > 0 ? 1 : 0;
  if (hits === 0) return 0;
  let harmonic = 0;
  for (let k = 1; k <= total; k++) harmonic += 1 / k;
  const again = (hits - 1) / (total - 1);
  return (harmonic * (1 - again) + total * again) / total;
}

/** mAP of random scores, over the kinds that have one; null where none has. */
export function chanceMeanAP(kinds: readonly KindScores[], clips: number): number | null {
  const counted = kinds.filter(({ averagePrecision }) => averagePrecision !== null);
  if (counted.length === 0) return null;
  return counted.reduce((sum, { positives }) => sum + chanceAveragePrecision(positives, clips), 0) / counted.length;
}
