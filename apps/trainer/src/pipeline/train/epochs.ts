import { KdcError } from "@kdc-mae/core";

/**
 * Updates an epoch makes of its batches.
 *
 * @throws KdcError when an epoch has fewer batches than one update takes
 */
export function updatesPerEpoch(batches: number, accumulate: number): number {
  if (batches >= accumulate) return Math.floor(batches / accumulate);
  throw new KdcError({
    where: "training",
    what: `an epoch has ${batches} ${batches === 1 ? "batch" : "batches"} and training.accumulate takes ${accumulate} for one update, so nothing would be learned`,
    remedy: `Set training.accumulate to ${batches} or less, a smaller training.batch, or give more clips`,
    reason: "accumulate",
  });
}

/** Groups of `size` batches; batches left over at the end are dropped. */
export async function* grouped<Batch>(batches: AsyncIterable<Batch>, size: number): AsyncIterable<readonly Batch[]> {
  let group: Batch[] = [];
  for await (const batch of batches) {
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
}

/** Passes items on, and says how long each was waited for, seconds. */
export async function* clocked<T>(
  items: AsyncIterable<T>,
  clock: () => number,
  took: (seconds: number) => void,
): AsyncIterable<T> {
  let asked = clock();
  for await (const item of items) {
    took((clock() - asked) / 1000);
    yield item;
    asked = clock();
  }
}
