import { float32 } from "@kdc-mae/core";
import { concat, mul, reshape, type Scalar, softmax, sum, type Tensor, type Tensor1D } from "@tensorflow/tfjs-core";
import type { Weighting } from "./weighting.js";

/**
 * Trained shares: n · Σ softmax(score)ᵢ · weightᵢ · valueᵢ over n terms, scores starting at 0, so that training starts
 * at the fixed objective. Nothing but the other terms holds a share up: in a long run the smallest term wins, which
 * `uncertainty` avoids.
 *
 * @example
 * ```ts
 * import { kdcMae, learned, objective } from "@kdc-mae/losses";
 *
 * const shares = objective(kdcMae, learned()).initParams();
 * ```
 */
export const learned = (): Weighting => ({
  name: "learned",
  init: (terms) => ({ score: Object.fromEntries(terms.map(({ name }) => [name, float32([])])) }),
  total: (terms, { score }) => {
    const row = (values: Tensor[]) => concat(values.map((value) => reshape(value, [1]) as Tensor1D));
    const shares = softmax(row(terms.map(({ name }) => score[name])));
    const weighted = row(terms.map(({ value, weight }) => mul(value, weight)));
    return mul(sum(mul(shares, weighted)), terms.length) as Scalar;
  },
});
