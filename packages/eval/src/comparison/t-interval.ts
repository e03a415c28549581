import { KdcError } from "@kdc-mae/core";

/** A mean with the half-width of its interval; null for a single value, and for values all alike, which say nothing of spread. */
export type MeanInterval = {
  readonly mean: number;
  readonly half: number | null;
  readonly level: number;
  /** Values it is made of. */
  readonly n: number;
};

/** P(|T| ≤ t) for Student's T with a whole number of degrees of freedom (Abramowitz & Stegun 26.7.3, 26.7.4). */
function within(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let sum = 0;
  let term = odd ? cosine : 1;
  for (let k = odd ? 2 : 1; k < freedom; k += 2) {
    sum += term;
    term *= (k / (k + 1)) * cosine * cosine;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The t with P(|T| ≤ t) = level: 12.706 for one degree of freedom and level 0.95, 4.303 for two, no end for none. */
export function studentQuantile(freedom: number, level = 0.95): number {
  if (!(freedom >= 1)) return Number.POSITIVE_INFINITY;
  let [low, high] = [0, 1];
  while (within(high, freedom) < level) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (within(middle, freedom) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Mean and Student's t interval, mean ± t·s/√n with n − 1 degrees of freedom.
 *
 * @throws KdcError (`empty`) for no values
 */
export function tInterval(values: readonly number[], level = 0.95): MeanInterval {
  const n = values.length;
  if (n === 0) {
    throw new KdcError({
      where: "tInterval",
      what: "there are no values",
      remedy: "Give at least one value per arm",
      reason: "empty",
    });
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const rounding = 1e-12 * Math.max(...values.map(Math.abs));
  if (values.every((value) => Math.abs(value - values[0]) <= rounding)) return { mean, half: null, level, n };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, half: studentQuantile(n - 1, level) * Math.sqrt(variance / n), level, n };
}
