import { KdcError } from "@kdc-mae/core";
import { stepsPerEpoch } from "@kdc-mae/data";

/**
 * Updates an epoch makes of its batches.
 *
 * @throws KdcError when an epoch has fewer batches than one update takes
 */
export function updatesPerEpoch(batches: number, accumulate: number): number {
  if (batches >= accumulate) return Math.floor(batches / accumulate);
  if (batches === 0) {
    throw new KdcError({
      where: "training",
      what: "there are fewer clips than training.batch takes, so nothing would be learned",
      remedy: "Give more clips, or a smaller training.batch",
      reason: "too-few-clips",
    });
  }
  throw new KdcError({
    where: "training",
    what: `an epoch has ${batches} ${batches === 1 ? "batch" : "batches"} and training.accumulate takes ${accumulate} for one update, so nothing would be learned`,
    remedy: `Set training.accumulate to ${batches} or less, a smaller training.batch, or give more clips`,
    reason: "accumulate",
  });
}

/**
 * Updates an epoch makes of so many clips, as data name them before any is decoded.
 *
 * @throws KdcError (`too-few-clips`, `accumulate`) where that is none
 */
export const updatesOf = (
  clips: number,
  { batch, accumulate }: { readonly batch: number; readonly accumulate: number },
): number => updatesPerEpoch(stepsPerEpoch("training data", clips, { batch }), accumulate);

/**
 * Groups of `size` batches; batches left over at the end are dropped.
 *
 * @param isOwn which places of a group the batches are for; the others are undefined
 */
export async function* grouped<Batch>(
  batches: AsyncIterable<Batch>,
  size: number,
  isOwn: (place: number) => boolean = () => true,
): AsyncIterable<readonly (Batch | undefined)[]> {
  const places = Array.from({ length: size }, (_, place) => place).filter(isOwn);
  const fresh = () => new Array<Batch | undefined>(size).fill(undefined);
  let [group, taken] = [fresh(), 0];
  for await (const batch of batches) {
    group[places[taken++]] = batch;
    if (taken < places.length) continue;
    yield group;
    [group, taken] = [fresh(), 0];
  }
}

/**
 * Batches of one epoch after another, of which the first of the next can be begun before its turn comes.
 *
 * @param open the batches of an epoch from one of them on
 */
export function epochsInTurn<Batch>(open: (epoch: number, from: number) => AsyncIterable<Batch>) {
  type Begun = { epoch: number; rest: AsyncIterator<Batch>; first: Promise<IteratorResult<Batch>> };
  let begun: Begun | undefined;
  const drop = async (): Promise<void> => {
    const dropped = begun;
    begun = undefined;
    await dropped?.rest.return?.();
  };
  return {
    /** Begins to make the first batches of an epoch; what goes wrong with them is thrown when they are asked for. */
    begin(epoch: number): void {
      if (begun !== undefined) return;
      const rest = open(epoch, 0)[Symbol.asyncIterator]();
      const first = rest.next();
      first.catch(() => undefined);
      begun = { epoch, rest, first };
    },
    async *batches(epoch: number, from: number): AsyncIterable<Batch> {
      if (begun === undefined || begun.epoch !== epoch || from > 0) {
        // The run went back to an earlier step.
        await drop();
        yield* open(epoch, from);
        return;
      }
      const { rest, first } = begun;
      begun = undefined;
      try {
        for (let next = await first; !next.done; next = await rest.next()) yield next.value;
      } finally {
        await rest.return?.();
      }
    },
    /** Gives up what was begun and not asked for. */
    drop,
  };
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
