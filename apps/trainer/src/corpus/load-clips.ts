import type { ClipItem } from "@kdc-mae/core";
import { isKdcError } from "@kdc-mae/core";
import type { Decoder } from "@kdc-mae/data/node";
import type { FrontEnd } from "./front-end.js";
import { type StoredClip, storeClip } from "./stored-clip.js";

/** A clip that could not be used, and why. */
export type LeftOut = { readonly item: ClipItem; readonly reason: string; readonly message: string };

export type LoadedClips = { readonly clips: readonly StoredClip[]; readonly leftOut: readonly LeftOut[] };

/**
 * Decodes clips, several at once, and keeps them in memory in the order of the items. A clip that cannot be decoded is
 * left out with its reason; anything else that goes wrong is thrown.
 */
export async function loadClips(
  items: readonly ClipItem[],
  frontEnd: FrontEnd,
  options: {
    readonly decoder: Decoder;
    readonly concurrency: number;
    readonly onProgress?: (done: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<LoadedClips> {
  const { decoder, concurrency, onProgress, signal } = options;
  const clips: (StoredClip | undefined)[] = new Array(items.length);
  const leftOut: LeftOut[] = [];
  const queue = items.entries();
  let done = 0;
  const work = async () => {
    for (const [index, item] of queue) {
      signal?.throwIfAborted();
      try {
        const clip = await decoder.decode(item, {
          sampleRate: frontEnd.logMel.sampleRate,
          frames: { count: frontEnd.framesPerClip, limit: frontEnd.seconds },
          size: frontEnd.imageSize,
          seconds: frontEnd.seconds + 0.1,
          signal,
        });
        clips[index] = storeClip(clip, frontEnd);
      } catch (error) {
        if (!isKdcError(error)) throw error;
        leftOut.push({ item, reason: error.reason, message: error.message });
      }
      done += 1;
      onProgress?.(done);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { clips: clips.filter((clip) => clip !== undefined), leftOut };
}

/** How many were left out, by reason. */
export function countReasons(leftOut: readonly LeftOut[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of leftOut) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
