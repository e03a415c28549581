import { createRng, KdcError, type Rng } from "@kdc-mae/core";
import { partsOf, type Recordings } from "./recordings.js";

/** What {@link pairedPermutation} found. */
export type PermutationTest = {
  /** Mean of first − second. */
  readonly difference: number;
  /** Two-sided: share of sign flips with a mean difference at least as far from zero, the observed one included. */
  readonly p: number;
  readonly permutations: number;
  /** True when every sign flip was tried. */
  readonly exact: boolean;
};

/**
 * Paired permutation test (Fisher 1935): under the null the sign of each pair's difference is a coin toss. Up to 2^16
 * flips are all tried; beyond, `permutations` seeded draws with (1 + hits) / (1 + draws). With n pairs no p can be
 * below 2 / 2ⁿ: three seeds cannot be significant. Of clips that are parts of recordings the sign of all of a recording's
 * is one coin: n is then the number of recordings.
 *
 * @param first one value per pair (clip or seed)
 * @param second the other arm's values, in the same order
 *
 * @example
 * ```ts
 * import { pairedPermutation } from "@kdc-mae/eval";
 *
 * const { difference, p } = pairedPermutation([0.8, 0.7, 0.9], [0.6, 0.65, 0.7]);
 * ```
 */
export function pairedPermutation(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: { readonly rng?: Rng; readonly permutations?: number; readonly recordings?: Recordings } = {},
): PermutationTest {
  const pairs = first.length;
  const differences = Float64Array.from({ length: pairs }, (_, i) => first[i] - second[i]);
  if (pairs === 0 || second.length !== pairs || differences.some((value) => !Number.isFinite(value))) {
    throw new KdcError({
      where: "pairedPermutation",
      what: `${pairs} and ${second.length} values do not make pairs of finite numbers`,
      remedy: "Give both arms' values for the same clips or seeds, in the same order, without gaps",
      reason: "pairs",
    });
  }
  const observed = Math.abs(differences.reduce((sum, value) => sum + value, 0));
  // Sums of the same numbers in another order differ by rounding; they must still count as equally far.
  const slack = 1e-12 * differences.reduce((sum, value) => sum + Math.abs(value), 0);
  const { rng = createRng("permutation"), permutations = 10_000, recordings } = options;
  const parts = partsOf(pairs, recordings);
  const sums = Float64Array.from(parts, (part) => part.reduce((sum, clip) => sum + differences[clip], 0));
  const exact = sums.length <= 16;
  const tries = exact ? 2 ** sums.length : permutations;
  let hits = 0;
  for (let t = 0; t < tries; t++) {
    let sum = 0;
    let bits = 0;
    for (let i = 0; i < sums.length; i++) {
      if (i % 32 === 0) bits = exact ? t : rng.uint32();
      sum += (bits >>> (i % 32)) & 1 ? -sums[i] : sums[i];
    }
    if (Math.abs(sum) >= observed - slack) hits++;
  }
  return {
    difference: differences.reduce((sum, value) => sum + value, 0) / pairs,
    p: exact ? hits / tries : (1 + hits) / (1 + tries),
    permutations: tries,
    exact,
  };
}
