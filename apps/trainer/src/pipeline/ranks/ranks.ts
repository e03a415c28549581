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

/** What each rank has to say, by rank, told to all. What is said must be JSON. */
export async function toldByAll<T>(ranks: Ranks, own: T): Promise<readonly T[]> {
  if (ranks.size === 1) return [own];
  const gathered = await ranks.allgather(new TextEncoder().encode(JSON.stringify(own)));
  return gathered.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
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
