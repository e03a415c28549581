import type { Peers } from "./peers.js";

type Numbers = Float32Array | Float64Array | BigInt64Array;

/**
 * Processes that meet in memory: each call waits until all have made it. Adds up in the order in which they came, as a
 * network may.
 */
export function peersInMemory(size: number): readonly Peers[] {
  type Meeting = { readonly given: { rank: number; what: unknown }[]; open: () => void; readonly all: Promise<void> };
  const meetings: Meeting[] = [];
  const calls = new Array<number>(size).fill(0);
  const meet = async (rank: number, what: unknown): Promise<Meeting["given"]> => {
    const number = calls[rank]++;
    if (meetings[number] === undefined) {
      let open: () => void = () => undefined;
      const all = new Promise<void>((resolve) => {
        open = resolve;
      });
      meetings[number] = { given: [], open, all };
    }
    const meeting = meetings[number];
    meeting.given.push({ rank, what });
    if (meeting.given.length === size) meeting.open();
    await meeting.all;
    return meeting.given;
  };
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    async allreduce(values, how) {
      const given = await meet(rank, values.slice());
      if (values instanceof Float32Array && how === "sum") {
        values.fill(0);
        for (const { what } of given) {
          const more = what as Float32Array;
          for (let i = 0; i < values.length; i++) values[i] += more[i];
        }
        return;
      }
      for (let i = 0; i < values.length; i++) {
        const each = given.map(({ what }) => (what as Numbers)[i]);
        const joined = each.reduce((a, b) => {
          if (typeof a !== "bigint" && how === "max") return Math.max(a, b as number);
          if (typeof a === "bigint") return BigInt.asIntN(64, a + (b as bigint));
          return a + (b as number);
        });
        values[i] = joined as never;
      }
    },
    async allgather(bytes, into) {
      const given = await meet(rank, bytes.slice());
      const pieces = [...given].sort((a, b) => a.rank - b.rank).map(({ what }) => what as Uint8Array);
      if (into !== undefined) {
        const all = pieces.flatMap((piece) => [...piece]);
        if (all.length !== into.length) throw new Error(`${all.length} bytes for a place of ${into.length}`);
        into.set(all);
      }
      return pieces;
    },
  }));
}
