import { deserialize, serialize } from "node:v8";
import type { Ranks } from "./ranks.js";

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
