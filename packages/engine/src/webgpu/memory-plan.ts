import { KdcError } from "@kdc-mae/core";
import type { KernelBatch } from "./merge.js";
import { bytesOf, keyOf, type PlanNode } from "./plan-node.js";

/** Bindings begin at multiples of this many bytes on every adapter. */
export const bufferAlignment = 256;

export const aligned = (bytes: number): number => Math.ceil(bytes / bufferAlignment) * bufferAlignment;

/** Which memory: an arena of the program by number, its constants, or one of its inputs by the input's path. */
export type Area = { readonly arena: number } | { readonly constants: true } | { readonly input: string };

/** Where an output lies. */
export type Place = { readonly area: Area; readonly offset: number; readonly bytes: number };

type Life = { readonly key: string; readonly bytes: number; readonly label: string; first: number; last: number };

export type MemoryPlan = {
  readonly places: ReadonlyMap<string, Place>;
  /** Bytes of each arena. */
  readonly arenas: readonly number[];
  readonly constants: {
    readonly bytes: number;
    readonly parts: readonly { readonly offset: number; readonly node: PlanNode }[];
  };
};

/** What is alive from which batch of kernels to which. */
const livesOf = (batches: readonly KernelBatch[], lasting: ReadonlySet<string>): Map<string, Life> => {
  const lives = new Map<string, Life>();
  for (const [at, batch] of batches.entries()) {
    for (const { text } of batch) {
      for (const { node, output } of text.touched) {
        if (node.port !== undefined || node.constant !== undefined) continue;
        const key = keyOf(node, output);
        const life = lives.get(key) ?? { key, bytes: bytesOf(node, output), label: text.label, first: at, last: at };
        life.last = lasting.has(key) ? batches.length : at;
        lives.set(key, life);
      }
    }
  }
  return lives;
};

const expectFits = ({ label, bytes }: { readonly label: string; readonly bytes: number }, limit: number): void => {
  if (bytes <= limit) return;
  throw new KdcError({
    where: `webgpu: ${label}`,
    what: `a tensor of ${(bytes / 2 ** 20).toFixed(0)} MB is larger than this adapter binds at once (${(limit / 2 ** 20).toFixed(0)} MB)`,
    remedy: "Use a smaller batch, or accumulate several",
    reason: "too-large",
  });
};

/** The largest first, each at the lowest place that is free for all of its life, in the first arena with room. */
const pack = (lives: readonly Life[], limit: number): { places: Map<string, Place>; arenas: number[] } => {
  const places = new Map<string, Place>();
  const arenas: {
    end: number;
    readonly taken: { readonly life: Life; readonly from: number; readonly to: number }[];
  }[] = [];
  for (const life of [...lives].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    expectFits(life, limit);
    const size = aligned(life.bytes);
    for (let number = 0; ; number++) {
      if (number === arenas.length) arenas.push({ end: 0, taken: [] });
      const arena = arenas[number];
      let offset = 0;
      for (const { life: other, from, to } of arena.taken) {
        if (other.first > life.last || other.last < life.first) continue;
        if (from >= offset + size) break;
        offset = Math.max(offset, to);
      }
      if (offset + size > limit && arena.taken.length > 0) continue;
      const at = arena.taken.findIndex(({ from }) => from > offset);
      arena.taken.splice(at < 0 ? arena.taken.length : at, 0, { life, from: offset, to: offset + size });
      arena.end = Math.max(arena.end, offset + size);
      places.set(life.key, { area: { arena: number }, offset, bytes: life.bytes });
      break;
    }
  }
  return { places, arenas: arenas.map(({ end }) => end) };
};

/**
 * Gives every output memory for as long as it is needed, in arenas no larger than `limit` bytes.
 *
 * @param lasting outputs that leave the program
 * @param inPlace outputs that take the place of an input, with its path
 * @throws KdcError (reason `too-large`) naming the operator of a tensor that no arena can hold
 */
export function planMemory(
  batches: readonly KernelBatch[],
  lasting: ReadonlySet<string>,
  inPlace: ReadonlyMap<string, string>,
  limit: number,
): MemoryPlan {
  const lives = [...livesOf(batches, lasting).values()].filter(({ key }) => !inPlace.has(key));
  const { places, arenas } = pack(lives, limit);
  let end = 0;
  const parts: { offset: number; node: PlanNode }[] = [];
  for (const { text } of batches.flat()) {
    for (const { node, output } of text.touched) {
      const key = keyOf(node, output);
      const bytes = bytesOf(node, output);
      expectFits({ label: text.label, bytes }, limit);
      const input = node.port?.path ?? inPlace.get(key);
      if (input !== undefined) places.set(key, { area: { input }, offset: 0, bytes });
      if (node.constant === undefined || places.has(key)) continue;
      places.set(key, { area: { constants: true }, offset: end, bytes });
      parts.push({ offset: end, node });
      end += aligned(bytes);
    }
  }
  return { places, arenas, constants: { bytes: end, parts } };
}
