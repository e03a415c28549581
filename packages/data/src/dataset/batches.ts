import { KdcError } from "@kdc-mae/core";

/** One step's batch: which clips, and where in training it stands. */
export type Batch = {
  readonly step: number;
  readonly epoch: number;
  /** Numbers of the clips, `[B]`. */
  readonly members: Int32Array;
};

/** What {@link batches} makes batches of, and how many clips are in one. */
export type BatchesOptions = {
  /** Order of the clips in an epoch, such as `shuffledOrder` gives; asked once per epoch. */
  readonly order: (epoch: number) => Int32Array;
  /** Clips in an epoch. */
  readonly count: number;
  readonly batchSize: number;
  /** First step: a run that was stopped before step n goes on from n with the batches it would have had. */
  readonly from?: number;
  /** One past the last step; without it there is no end. */
  readonly until?: number;
};

/** Whole batches, epoch after epoch; what is left over at the end of an epoch is dropped. */
export function* batches({ order, count, batchSize, from = 0, until }: BatchesOptions): Generator<Batch, void> {
  const perEpoch = Math.floor(count / batchSize);
  if (!(perEpoch >= 1 && Number.isInteger(batchSize))) {
    throw new KdcError({
      where: "batches",
      what: `${count} clips do not fill one batch of ${batchSize}`,
      remedy: "Take a smaller batch, or more clips",
      reason: "option",
    });
  }
  let known: { epoch: number; order: Int32Array } | undefined;
  for (let step = from; until === undefined || step < until; step++) {
    const epoch = Math.floor(step / perEpoch);
    if (known?.epoch !== epoch) known = { epoch, order: order(epoch) };
    const start = (step % perEpoch) * batchSize;
    yield { step, epoch, members: known.order.slice(start, start + batchSize) };
  }
}
