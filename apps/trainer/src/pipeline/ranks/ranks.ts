import { deserialize, serialize } from "node:v8";
import { noPeers, type Peers } from "@kdc-mae/engine";

/**
 * The processes a run is shared by, one of them this one: six functions, so that what carries them can be another.
 * Every call is made by all ranks, in the same order; it waits for those it needs.
 */
export type Ranks = Peers & {
  /** Everybody's bytes become those of rank 0, which are as many. */
  readonly broadcast: (bytes: Uint8Array) => Promise<void>;
  /** Waits until all ranks have come here. */
  readonly barrier: () => Promise<void>;
};

/** One process. */
export const alone: Ranks = { ...noPeers, broadcast: async () => undefined, barrier: async () => undefined };

/** Tells everybody what rank 0 says; nobody else is asked. What is said must be JSON, or undefined. */
export async function told<T>(ranks: Ranks, say: () => T | Promise<T>): Promise<T> {
  if (ranks.size === 1) return say();
  const text = ranks.rank === 0 ? JSON.stringify(await say()) : undefined;
  const own = new TextEncoder().encode(text ?? "");
  const length = new Uint8Array(Float64Array.of(own.length).buffer);
  await ranks.broadcast(length);
  const bytes = ranks.rank === 0 ? own : new Uint8Array(new Float64Array(length.buffer)[0]);
  if (bytes.length > 0) await ranks.broadcast(bytes);
  return bytes.length === 0 ? (undefined as T) : JSON.parse(new TextDecoder().decode(bytes));
}

/** Bytes a rank gives at a time. */
const PART = 32 * 2 ** 20;

/**
 * The lists of all ranks one after another, for all of them. What is in them may be anything that can be cloned.
 *
 * @param own what this rank has
 */
export async function sharedList<T>(ranks: Ranks, own: readonly T[]): Promise<readonly T[]> {
  if (ranks.size === 1) return own;
  const lists: T[][] = Array.from({ length: ranks.size }, () => []);
  for (let from = 0; ; ) {
    const parts: Buffer[] = [];
    for (let bytes = 0; from < own.length && bytes < PART; from++) {
      parts.push(serialize(own[from]));
      bytes += parts[parts.length - 1].length;
    }
    const gathered = await ranks.allgather(serialize(parts));
    const each = gathered.map((bytes) => deserialize(bytes) as Uint8Array[]);
    if (each.every((list) => list.length === 0)) return lists.flat();
    for (const [rank, list] of each.entries()) for (const one of list) lists[rank].push(deserialize(one) as T);
  }
}

/** Work that rank 0 does before the others do the same, such as making files that they then find. */
export async function firstFirst<T>(ranks: Ranks, work: () => Promise<T>): Promise<T> {
  if (ranks.rank > 0) await ranks.barrier();
  const done = await work();
  if (ranks.rank === 0) await ranks.barrier();
  return done;
}

/** Whose a piece of work is, of so many: one stretch to each, as alike as can be. */
export const ownerOf = (index: number, count: number, { size }: Pick<Ranks, "size">): number =>
  Math.floor((index * size) / count);
