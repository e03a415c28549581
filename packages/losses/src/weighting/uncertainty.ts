import { float32 } from "@kdc-mae/core";
import { add, exp, mul, neg, type Scalar, scalar } from "@tensorflow/tfjs-core";
import type { Weighting } from "./weighting.js";

/**
 * Each term is trusted by a trained uncertainty (Kendall, Gal & Cipolla 2018): Σ ½ exp(−s) · weight · value + ½ s,
 * where s = log σ² starts at 0. The author's weights set only where training starts, as s finds log(weight · value).
 * A term of weight 0 has no s and counts nothing. The total may fall below 0.
 *
 * @example
 * ```ts
 * import { kdcMae, objective, uncertainty } from "@kdc-mae/losses";
 *
 * const learned = objective(kdcMae, uncertainty());
 * const weights = learned.initParams(); // trained beside the model
 * ```
 */
export const uncertainty = (): Weighting => ({
  name: "uncertainty",
  init: (terms) => ({
    logVariance: Object.fromEntries(terms.filter(({ weight }) => weight > 0).map(({ name }) => [name, float32([])])),
  }),
  total: (terms, { logVariance }) =>
    terms
      .filter(({ weight }) => weight > 0)
      .map(({ name, value, weight }) => {
        const s = logVariance[name] as Scalar;
        return mul<Scalar>(add(mul(exp(neg(s)), mul(value, weight)), s), 0.5);
      })
      .reduce((total, next) => add(total, next), scalar(0)),
});
