import { expectMatrix, type Matrix } from "../matrix.js";

/**
 * How widely tokens look: the mean over queries of −Σ a ln a / ln N of their attention to N tokens. 1 where every query
 * looks everywhere alike, 0 where each looks at one token. Its fall goes before training that diverges: Zhai et al. 2023,
 * "Stabilizing Transformer Training by Preventing Attention Entropy Collapse", section 3; divided by its largest value
 * here, so that it does not depend on how many tokens there are.
 *
 * @param weights `[Q, N]`, each row a query's attention, which sums to 1; N at least 2
 * @throws KdcError for a shape that is none, and for numbers that are not finite
 */
export function attentionEntropy(weights: Matrix): number {
  const { Q, N } = expectMatrix("attentionEntropy", "weights", weights, "Q N");
  let sum = 0;
  for (const weight of weights.data) if (weight > 0) sum -= weight * Math.log(weight);
  return sum / (Q * Math.log(N));
}
