import { add, div, log, maximum, mul, sum, type Tensor1D, type Tensor2D, tidy } from "@tensorflow/tfjs-core";

/**
 * Probabilities count as at least this inside the logarithm. The published distribution holds an exact 0, where the
 * divergence is infinite; a floor (not an added ε) also stops the gradient there, which float32 could not hold.
 */
const floor = 1e-8;

/**
 * Kullback–Leibler divergence KL(p ‖ q) per clip, natural logarithm.
 *
 * @param p distributions `[B, D]`
 * @param q distributions `[B, D]`
 * @returns `[B]`
 */
export function kullbackLeibler(p: Tensor2D, q: Tensor2D): Tensor1D {
  return tidy(() => sum(mul(p, log(div(maximum(p, floor), maximum(q, floor)))), -1) as Tensor1D);
}

/** (KL(p ‖ q) + KL(q ‖ p)) / 2 per clip: `[B]`. */
export function symmetricKullbackLeibler(p: Tensor2D, q: Tensor2D): Tensor1D {
  return tidy(() => div(add(kullbackLeibler(p, q), kullbackLeibler(q, p)), 2));
}
