import { KdcError } from "@kdc-mae/core";
import { expectGiven } from "../given.js";
import { expectMatrix, type Matrix, matrix } from "../matrix.js";
import { findProtocol, type Protocol } from "../protocol.js";
import { protocols, voting } from "../protocols.js";
import { neighbours } from "../retrieval/neighbours.js";
import { type ClassificationInput, type ClassificationResult, checkLabels, classification } from "./classification.js";
import type { LabelledRows } from "./linear-probe.js";

type Voting = {
  /** Training clips that vote, at most all of them. Default 20. */
  readonly k?: number;
  /** A vote weighs exp(cosine / temperature). Default 0.07. */
  readonly temperature?: number;
};

/**
 * Shares of the votes that each kind gets from the nearest training clips, weighted by exp(cosine / temperature): the
 * k-nearest-neighbour probe of Wu et al. 2018 as DINO uses it (Caron et al. 2021, k = 20, temperature 0.07). Nothing is
 * trained and nothing is chosen, so that no validation clips are needed.
 *
 * @param train features `[N, D]` with a label each
 * @param queries `[M, D]`
 * @returns `[M, C]`, rows sum to 1
 * @throws KdcError for zero rows, unequal widths, a label outside the kinds, a k or temperature that is not above 0
 */
export function neighbourVotes(
  kinds: readonly string[],
  train: LabelledRows,
  queries: Matrix,
  { k = voting.k, temperature = voting.temperature }: Voting = {},
): Matrix {
  const where = "neighbourVotes";
  checkLabels(where, train.labels, kinds);
  expectMatrix(where, "train features", train.features, "N D", { N: train.labels.length });
  if (!(Number.isInteger(k) && k > 0 && temperature > 0)) {
    throw new KdcError({
      where,
      what: `k is ${k} and the temperature ${temperature}`,
      remedy: "Use a whole k and a temperature above 0, such as 20 and 0.07",
      reason: "option",
    });
  }
  const votes = matrix(queries.shape[0], kinds.length);
  for (const [query, found] of neighbours(queries, train.features, k).entries()) {
    // Relative to the nearest, so that no weight overflows.
    const weights = found.map(({ cosine }) => Math.exp((cosine - found[0].cosine) / temperature));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [at, { index }] of found.entries()) {
      votes.data[query * kinds.length + train.labels[index]] += weights[at] / sum;
    }
  }
  return votes;
}

/**
 * Scores the votes of the nearest training clips.
 *
 * @throws KdcError as `classification`, and for a k or temperature that is not above 0
 *
 * @example
 * ```ts
 * import { knnProbe, matrix } from "@kdc-mae/eval";
 *
 * const train = { features: matrix(2, 2, Float32Array.of(1, 0, 0, 1)), labels: [0, 1] };
 * const { accuracy } = knnProbe({ kinds: ["bell", "drum"], train, test: train, k: 1 });
 * ```
 */
export function knnProbe(
  input: Voting &
    Pick<ClassificationInput, "kinds" | "leftOut" | "intervals"> & {
      readonly train: LabelledRows;
      readonly test: LabelledRows;
      readonly protocol?: Protocol;
    },
): ClassificationResult {
  expectGiven("knnProbe", input, "kinds", "train", "test");
  const { kinds, train, test, leftOut, intervals, protocol = findProtocol(protocols, "knn-probe-joint") } = input;
  const probabilities = neighbourVotes(kinds, train, test.features, input);
  return classification({ kinds, probabilities, labels: test.labels, protocol, leftOut, intervals });
}
