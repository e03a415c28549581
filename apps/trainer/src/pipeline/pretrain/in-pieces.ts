import { KdcError } from "@kdc-mae/core";
import type { CheckedExperiment } from "../experiment/schema.js";
import { divide } from "../ranks/division.js";
import type { Ranks } from "../ranks/ranks.js";
import { objectiveFor } from "./objective.js";

/**
 * A pretraining as it is computed: in so many pieces of a batch, each as large as the batch of `piece` says.
 *
 * @throws KdcError where it cannot be divided so, where it says what accumulated batches see and accumulates none, and where
 * a term that compares clips would see too few
 */
export function inPieces(
  experiment: CheckedExperiment,
  ranks: Pick<Ranks, "size">,
): { readonly pieces: number; readonly piece: CheckedExperiment } {
  const { training } = experiment;
  if (training.accumulate === 1 && training.accumulateContrast !== undefined) {
    throw new KdcError({
      where: "training.accumulateContrast",
      what: "training.accumulate is 1: there are no accumulated batches, and a batch is always seen whole",
      remedy: "Leave it out (--set training.accumulateContrast=null), or set training.accumulate",
      reason: "option",
    });
  }
  const { seesAllClips, needs } = objectiveFor(experiment);
  const seen = training.batch * (training.accumulateContrast === "cached" ? training.accumulate : 1);
  if (seen < needs.clips) {
    throw new KdcError({
      where: "training.batch",
      what: `the objective has a term that compares clips with one another, and it would see ${seen} at a time`,
      remedy: `Set training.batch to ${needs.clips} or more, or training.accumulateContrast=cached where batches are accumulated`,
      reason: "option",
    });
  }
  const { pieces, clips } = divide(training, ranks, seesAllClips);
  return { pieces, piece: { ...experiment, training: { ...training, batch: clips } } };
}
