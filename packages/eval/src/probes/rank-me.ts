import { Matrix as Dense, SVD } from "ml-matrix";
import { expectMatrix, type Matrix } from "../matrix.js";

/** What keeps the logarithm of an absent direction finite, as the paper has it for float32. */
const EPSILON = 1e-7;

/** Singular values of a matrix `[N, D]`, largest first; the shorter of N and D of them. */
export function singularValues(features: Matrix): Float64Array {
  const { N, D } = expectMatrix("singularValues", "features", features, "N D");
  const dense = Dense.from1DArray(N, D, Array.from(features.data));
  const settings = { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: true };
  return Float64Array.from(new SVD(dense, settings).diagonal).sort().reverse();
}

/**
 * How many directions embeddings use, smoothly counted: exp(−Σ p ln p) with p = σ / Σσ + 1e-7 over the singular values σ
 * of the embeddings, one row per clip. From 1 (all rows in one direction) to the shorter of N and D. Needs no labels, and
 * follows what a linear probe reaches: RankMe, Garrido et al. 2023, "RankMe: Assessing the Downstream Performance of
 * Pretrained Self-Supervised Representations by Their Rank", equation 1.
 *
 * @param features `[N, D]`, as they are: neither centred nor normalised
 * @throws KdcError for a shape that is none, and for numbers that are not finite
 */
export function rankMe(features: Matrix): number {
  const values = singularValues(features);
  const sum = values.reduce((total, value) => total + value, 0);
  if (sum === 0) return 1;
  let entropy = 0;
  for (const value of values) {
    const share = value / sum + EPSILON;
    entropy -= share * Math.log(share);
  }
  return Math.exp(entropy);
}
