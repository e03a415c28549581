import { add, div, log, mul, sum, type Tensor1D, type Tensor2D, tidy } from "@tensorflow/tfjs-core";

/** 0 in half precision: keep these losses in float32. */
const epsilon = 1e-12;

/**
 * Jensen–Shannon divergence per clip, natural logarithm (Lin 1991; ε 1e-12 as published): 0 for equal distributions,
 * symmetric, at most ln 2.
 *
 * @param p distributions `[B, D]`
 * @param q distributions `[B, D]`
 * @returns `[B]`
 */
export function jensenShannon(p: Tensor2D, q: Tensor2D): Tensor1D {
  return tidy(() => {
    const middle = add(div(add(p, q), 2), epsilon);
    // One logarithm of the ratio: a difference of two logarithms loses the small values in float32.
    const toMiddle = (x: Tensor2D) => sum(mul(x, log(div(add(x, epsilon), middle))), -1);
    return div(add(toMiddle(p), toMiddle(q)), 2) as Tensor1D;
  });
}
