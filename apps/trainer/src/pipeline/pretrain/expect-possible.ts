import { KdcError } from "@kdc-mae/core";
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
 * @throws KdcError for sizes that make no model, an objective whose weights are all 0, views that cannot be dealt, batches that cannot be divided or are too small
 * for a term, and probes of clips that are trained on
 */
export function expectPossible(experiment: CheckedExperiment, ranks: Pick<Ranks, "size">): void {
  if (experiment.objective.every(({ weight = 1 }) => weight === 0)) {
    throw new KdcError({
      where: "objective",
      what: "every term has weight 0, so nothing would be learned",
      remedy: "Give one of them a weight above 0",
      reason: "weight",
    });
  }
  expectDealt(experiment, configFor(experiment));
  inPieces(experiment, ranks);
  expectHeldOut(experiment, experiment.training.probes);
}
