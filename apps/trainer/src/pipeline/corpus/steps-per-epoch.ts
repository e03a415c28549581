import { KdcError } from "@kdc-mae/core";

/**
 * Whole batches that the clips of an epoch fill.
 *
 * @throws KdcError for fewer clips than a batch takes
 */
export function stepsPerEpoch(clips: number, batch: number): number {
  if (clips >= batch) return Math.floor(clips / batch);
  throw new KdcError({
    where: "training data",
    what: `there are ${clips} clips and a batch takes ${batch}`,
    remedy: "Give more clips, or a smaller training.batch",
    reason: "too-few-clips",
  });
}
