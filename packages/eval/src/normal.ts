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
export function inverseNormal(p: number): number {
  if (p <= 0 || p >= 1) return p === 0 ? -Infinity : p === 1 ? Infinity : Number.NaN;
  if (p < 0.02425 || p > 1 - 0.02425) {
    const q = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
    const value = polynomial(tail.top, q) / polynomial(tail.bottom, q);
    return p < 0.5 ? value : -value;
  }
  const q = p - 0.5;
  return (q * polynomial(central.top, q * q)) / polynomial(central.bottom, q * q);
}

/** Φ, the share of a unit normal below `x`, by halving: what {@link inverseNormal} takes back to x. */
export function normal(x: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (inverseNormal(middle) < x) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
