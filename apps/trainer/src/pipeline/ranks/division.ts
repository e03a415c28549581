import { KdcError } from "@kdc-mae/core";
import type { Ranks } from "./ranks.js";

/** How a batch is computed: in so many pieces of so many clips each. */
export type Division = { readonly pieces: number; readonly clips: number };

type Settings = {
  readonly batch: number;
  readonly accumulate: number;
  readonly microBatch?: number;
  readonly reproducible?: boolean;
  readonly accumulateContrast?: "per-batch" | "cached";
};

/** Ranks among which a reproducible run of one batch to an update can be divided, unless it says otherwise. */
const USUAL = 4;

const refuse = (what: string, remedy: string): never => {
  throw new KdcError({ where: "training", what, remedy, reason: "ranks" });
};

/**
 * Divides batches among ranks. A reproducible run's pieces are a matter of the experiment alone; any other's are as few
 * as give every rank alike, or at least one.
 *
 * @param seesAllClips whether a term compares the clips of a batch, so that pieces must be seen together
 * @throws KdcError where there are more ranks than there can be pieces, or clips that are to be seen together would not be
 */
export function divide(
  { batch, accumulate, microBatch, reproducible = false, accumulateContrast = "per-batch" }: Settings,
  { size }: Pick<Ranks, "size">,
  seesAllClips: boolean,
): Division {
  const divisors = Array.from({ length: batch }, (_, index) => index + 1).filter((count) => batch % count === 0);
  const enough = (ranks: number) => divisors.find((count) => accumulate * count >= ranks);
  const even = divisors.find((count) => (accumulate * count) % size === 0);
  const pieces =
    microBatch !== undefined
      ? batch / microBatch
      : reproducible
        ? (enough(USUAL) ?? batch)
        : (even ?? enough(size) ?? batch);
  if (!Number.isInteger(pieces)) {
    refuse(
      `training.microBatch is ${microBatch}, which does not divide training.batch, ${batch}`,
      `Set it to one of ${divisors.join(", ")}`,
    );
  }
  if (pieces > 1 && accumulate > 1 && seesAllClips && accumulateContrast === "per-batch") {
    // Whole batches can still be dealt out.
    if (microBatch === undefined && accumulate >= (reproducible ? Math.max(USUAL, size) : size)) {
      return { pieces: 1, clips: batch };
    }
    refuse(
      `a batch would be computed in ${pieces} pieces, and training.accumulateContrast=per-batch has its terms see whole batches`,
      `Set training.accumulateContrast=cached, or training.accumulate=1 with a larger training.batch, or ${
        microBatch !== undefined
          ? "leave training.microBatch out"
          : reproducible
            ? "leave training.reproducible out"
            : "start fewer ranks"
      }`,
    );
  }
  if (accumulate * pieces < size) {
    refuse(
      `there are ${size} ranks, and an update has ${accumulate * pieces} ${accumulate * pieces === 1 ? "piece" : "pieces"} of ${batch / pieces} clips to share out`,
      reproducible
        ? `Start fewer ranks, or set training.microBatch to ${Math.max(1, Math.floor((batch * accumulate) / size))} or less (figures are bit-identical among runs of one microBatch)`
        : "Start fewer ranks, or set a larger training.batch or training.accumulate",
    );
  }
  return { pieces, clips: batch / pieces };
}
