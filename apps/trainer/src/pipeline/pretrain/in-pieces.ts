import type { CheckedExperiment } from "../experiment/schema.js";
import { divide } from "../ranks/division.js";
import type { Ranks } from "../ranks/ranks.js";
import { objectiveFor } from "./objective.js";

/**
 * A pretraining as it is computed: in so many pieces of a batch, each as large as the batch of `piece` says.
 *
 * @throws KdcError where it cannot be divided so
 */
export function inPieces(
  experiment: CheckedExperiment,
  ranks: Pick<Ranks, "size">,
): { readonly pieces: number; readonly piece: CheckedExperiment } {
  const { training } = experiment;
  const { pieces, clips } = divide(training, ranks, objectiveFor(experiment).seesAllClips);
  return { pieces, piece: { ...experiment, training: { ...training, batch: clips } } };
}
