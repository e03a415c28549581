import type { Ranks } from "./ranks.js";

/** Seconds so far: in which numbers travelled, and in which this rank waited for others to be as far. */
export type Communication = { readonly travelled: number; readonly waited: number };

/** Fewer bytes than these are there as soon as everybody is. */
const SMALL = 4096;

/**
 * Ranks whose calls are timed. What is large begins when all have come: the time until then is of those that wait.
 *
 * @param clock milliseconds
 */
export function timed(ranks: Ranks, clock: () => number): Ranks & { readonly spent: () => Communication } {
  const sums = { travelled: 0, waited: 0 };
  const within = async <T>(kind: keyof typeof sums, call: () => Promise<T>): Promise<T> => {
    const began = clock();
    const result = await call();
    sums[kind] += (clock() - began) / 1000;
    return result;
  };
  const together = async <T>(bytes: number, call: () => Promise<T>): Promise<T> => {
    if (bytes <= SMALL) return within("waited", call);
    await within("waited", ranks.barrier);
    return within("travelled", call);
  };
  const spent = () => ({ ...sums });
  if (ranks.size === 1) return { ...ranks, spent };
  return {
    ...{ rank: ranks.rank, size: ranks.size, spent },
    allreduce: (values, how) => together(values.byteLength, () => ranks.allreduce(values, how)),
    // Of any length, others' too: all must take the same way.
    allgather: (bytes, into) => together(Number.POSITIVE_INFINITY, () => ranks.allgather(bytes, into)),
    broadcast: (bytes) => within("travelled", () => ranks.broadcast(bytes)),
    barrier: () => within("waited", ranks.barrier),
  };
}
