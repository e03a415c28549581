import { join } from "node:path";
import { isKdcError, KdcError } from "@kdc-mae/core";
import type { FileEmbedder, FileEmbedding, FileWindows } from "../evaluate/embed-files.js";
import type { ClipStore, ClipVectors, IndexAbout, IndexedClip } from "./clip-store.js";
import type { Candidate, Scan } from "./scan-folder.js";

/** What became of an index. */
export type IndexChange = {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Files that are no longer in the folder. */
  readonly removed: readonly string[];
  readonly leftOut: readonly { readonly file: string; readonly reason: string; readonly message: string }[];
};

export type UpdateOptions = {
  readonly store: ClipStore;
  readonly folder: string;
  readonly scan: Scan;
  readonly embedder: Pick<FileEmbedder, "read" | "embedWindows">;
  /** Milliseconds, to know when to write. */
  readonly clock: () => number;
  /** Time between writes, ms (20 000 unless told); a kill loses no more than that. */
  readonly writeEvery?: number;
  /** Files decoded at the same time. */
  readonly concurrency?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
};

/**
 * Brings an index up to what the folder holds: embeds what is new or changed (another size or time), takes out what is
 * gone. Files that cannot be used are left out with their reason, and tried again next time.
 *
 * @throws KdcError (`empty-folder`) when nothing is left of what is indexed; AbortError when stopped, all done so far kept
 */
export async function updateIndex(options: UpdateOptions): Promise<IndexChange> {
  const { store, folder, scan, embedder, clock, writeEvery = 20_000, onProgress, signal } = options;
  const known = new Map<string, IndexedClip>();
  for await (const clip of store.clips()) known.set(clip.file, clip);
  const present = new Set(scan.candidates.map(({ file }) => file));
  const removed = [...known.keys()].filter((file) => !present.has(file));
  if (known.size > 0 && removed.length === known.size) throw nothingLeft(folder, known.size);

  const isKnown = ({ file, size, modified }: Candidate) =>
    known.get(file)?.size === size && known.get(file)?.modified === modified;
  const waiting = scan.candidates.filter((candidate) => !isKnown(candidate));
  const leftOut: { file: string; reason: string; message: string }[] = [];
  // A changed file that can no longer be used must not be found by what it was.
  const gone = [...removed];
  const ready: ClipVectors[] = [];
  let written = clock();
  let [added, changed, done] = [0, 0, 0];
  const flush = async () => {
    if (ready.length > 0 || gone.length > 0) await store.change(ready.splice(0), gone.splice(0));
    written = clock();
  };

  const read = (candidate: Candidate) => embedder.read(join(folder, candidate.file), signal);
  try {
    for await (const { item: candidate, result } of ahead(waiting, read, options.concurrency ?? 2)) {
      signal?.throwIfAborted();
      const { file, size, modified } = candidate;
      try {
        const { audio, visual, joint, windows } = await embedWhole(embedder, await result);
        ready.push({ file, size, modified, windows, audio, visual, joint });
        if (known.has(file)) changed += 1;
        else added += 1;
      } catch (error) {
        signal?.throwIfAborted();
        if (!isKdcError(error)) throw error;
        leftOut.push({ file, reason: error.reason, message: error.message });
        if (known.has(file)) gone.push(file);
      }
      done += 1;
      onProgress?.(done, waiting.length);
      if (clock() - written > writeEvery) await flush();
    }
  } finally {
    await flush();
  }
  return { added, changed, unchanged: scan.candidates.length - waiting.length, removed, leftOut };
}

/** @throws KdcError (`not-finite`) for vectors that cannot be compared */
async function embedWhole(embedder: Pick<FileEmbedder, "embedWindows">, windows: FileWindows): Promise<FileEmbedding> {
  const made = await embedder.embedWindows(windows);
  for (const stream of ["audio", "visual", "joint"] as const) {
    if (made[stream].every(Number.isFinite) && made[stream].some((value) => value !== 0)) continue;
    throw new KdcError({
      where: windows.file,
      what: `its ${stream} vector has no direction (all zeros, or not a number)`,
      remedy: "Look whether the model's training diverged",
      reason: "not-finite",
    });
  }
  return made;
}

/** Items in order with the work on them, begun up to `count` items ahead. */
async function* ahead<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  count: number,
): AsyncGenerator<{ readonly item: T; readonly result: Promise<R> }> {
  const begun: { item: T; result: Promise<R> }[] = [];
  let next = 0;
  while (next < items.length || begun.length > 0) {
    while (next < items.length && begun.length < count) {
      const item = items[next++];
      const result = work(item);
      // Whoever awaits it hears of a failure; until then it must not end the process.
      result.catch(() => undefined);
      begun.push({ item, result });
    }
    yield begun.shift()!;
  }
}

const nothingLeft = (folder: string, indexed: number) =>
  new KdcError({
    where: `folder ${folder}`,
    what: `none of the ${indexed} indexed clips is there any more`,
    remedy: "Check that the folder is the right one and its disk is mounted; to begin again, delete the index",
    reason: "empty-folder",
  });

/** @throws KdcError (`other-folder`) when an index is of another folder, whose clips would all count as gone */
export function expectRoot(where: string, about: IndexAbout, root: string): void {
  if (about.root === root) return;
  throw new KdcError({
    where: `index ${where}`,
    what: `it is of the folder ${about.root}, not of ${root}`,
    remedy: "Give a folder that holds both, or make another index with --index",
    reason: "other-folder",
  });
}
