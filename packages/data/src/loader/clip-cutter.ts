import type { HostPatches } from "@kdc-mae/core";
import { orderedMap } from "../dataset/ordered-map.js";
import { expectCount } from "../expect-count.js";
import type { FrontEnd } from "../prepare-clip.js";
import type { StoredClip } from "../stored-clip.js";
import { type OpenPool, onThisThread, pieceOf } from "./make-batch.js";

/** A clip in memory and which of its pictures, the one in the middle by default. */
export type Shown = { readonly clip: StoredClip; readonly picture?: number };

/** Cuts clips in memory into patches, nothing changed at random: what evaluation looks at. */
export type ClipCutter = {
  /** The sounds and pictures in order: audio `[B, N, P]`, visual `[B, N, P]`. @throws KdcError for a picture a clip has not */
  cut(shown: readonly Shown[]): Promise<HostPatches>;
  /** Groups in order with what is cut of them; the next are cut while one is used. */
  ahead<Group extends { readonly shown: readonly Shown[] }>(
    groups: Iterable<Group> | AsyncIterable<Group>,
  ): AsyncGenerator<Group & { readonly patches: HostPatches }, void>;
  /** Ends its threads. */
  close(): Promise<void>;
};

/**
 * Makes a {@link ClipCutter}.
 *
 * @param openPool `batchThreads` of `@kdc-mae/data/node`, or this thread unless given
 * @param workers threads; 0 cuts on this one
 * @throws KdcError (reason `option`) for another number of workers
 */
export function clipCutter(
  frontEnd: FrontEnd,
  openPool: OpenPool = (recipe) => onThisThread(recipe),
  workers = 1,
): ClipCutter {
  expectCount("clipCutter", "workers", workers, 0);
  const pool = openPool({ frontEnd, augment: {}, picture: "middle", smoothing: 0 }, workers);
  const cut = async (shown: readonly Shown[]): Promise<HostPatches> => {
    const jobs = shown.map(({ clip, picture }) => ({ stream: "shown", of: pieceOf(clip), picture }));
    return (await pool.make(jobs)).patches;
  };
  const ahead = workers + 2;
  return {
    cut,
    ahead: (groups) =>
      orderedMap(groups, async (group) => ({ ...group, patches: await cut(group.shown) }), {
        concurrency: ahead,
        ahead,
      }),
    close: pool.close,
  };
}
