import { KdcError } from "@kdc-mae/core";
import type { CheckedExperiment } from "../experiment/schema.js";
import { divide } from "../ranks/division.js";
import type { Ranks } from "../ranks/ranks.js";
import { objectiveFor } from "./objective.js";

/**
 * A pretraining as it is computed: in so many pieces of a batch, each as large as the batch of `piece` says.
 *
 * @throws KdcError where it cannot be divided so, and where it says what accumulated batches see and accumulates none
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
  const { pieces, clips } = divide(training, ranks, objectiveFor(experiment).seesAllClips);
  return { pieces, piece: { ...experiment, training: { ...training, batch: clips } } };
}
