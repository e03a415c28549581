import { isKdcError, KdcError } from "@kdc-mae/core";
import type { CheckedExperiment } from "../experiment/schema.js";
import { expectHeldOut } from "../probe/held-out.js";
import type { Ranks } from "../ranks/ranks.js";
import { configFor } from "../run/model-file.js";
import { inPieces } from "./in-pieces.js";
import { expectDealt } from "./masker.js";

/**
 * Asked before a clip is decoded, which may take hours: whether a pretraining can be made as it is described, as far as its
 * clips have no say in it.
 *
 * @throws KdcError (`experiment`) for sizes that make no model, an objective whose weights are all 0, views that cannot be dealt,
 * batches that cannot be divided or are too small for a term, and probes of clips that are trained on; (`ranks`) for batches
 * that cannot be divided among these
 */
export function expectPossible(experiment: CheckedExperiment, ranks: Pick<Ranks, "size">): void {
  try {
    expectPossibleAlone(experiment);
  } catch (cause) {
    if (!isKdcError(cause)) throw cause;
    const { where, what, remedy } = cause;
    throw new KdcError({ where, what, remedy, reason: "experiment", cause });
  }
  inPieces(experiment, ranks);
}

function expectPossibleAlone(experiment: CheckedExperiment): void {
  if (experiment.objective.every(({ weight = 1 }) => weight === 0)) {
    throw new KdcError({
      where: "objective",
      what: "every term has weight 0, so nothing would be learned",
      remedy: "Give one of them a weight above 0",
      reason: "weight",
    });
  }
  expectDealt(experiment, configFor(experiment));
  inPieces(experiment, { size: 1 });
  expectHeldOut(experiment, experiment.training.probes);
}
