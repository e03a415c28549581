import { join } from "node:path";
import { isKdcError, KdcError } from "@kdc-mae/core";
import { passingReasons } from "@kdc-mae/data/node";
import type { EmbeddedWindow, FileEmbedder } from "../embed/embed-files.js";
import { streamNames } from "../embed/stream-names.js";
import { alone, type Ranks, told } from "../ranks/ranks.js";
import type { ClipStore, ClipVectors, IndexAbout } from "./clip-store.js";
import { type KnownFile, knownFiles } from "./known-files.js";
import type { Candidate, Scan } from "./scan-folder.js";
import { embeddedFiles, type WaitingFile } from "./windows-of-files.js";

/** What became of an index. */
export type IndexChange = {
  /** Files. */
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Files of which a run before this one had embedded some, which were gone on with. */
  readonly resumed: number;
  /** Files that are no longer in the folder. */
  readonly removed: readonly string[];
  /** Files that cannot be used, or `from` some second on cannot. */
  readonly leftOut: readonly FileLeftOut[];
};

export type FileLeftOut = {
  readonly file: string;
  readonly reason: string;
  readonly message: string;
  readonly from?: number;
};

/** How far indexing is. */
export type IndexProgress = {
  /** Bytes of the files, of which as much of the one at work counts as its time is passed. */
  readonly done: number;
  readonly total: number;
  readonly file: string;
  /** Seconds of the film, where it has a length. */
  readonly at?: number;
  readonly length?: number;
};

export type UpdateOptions = {
  readonly store: ClipStore;
  /** Processes that embed the files together; one unless given. This one is the first of them. */
  readonly ranks?: Ranks;
  readonly folder: string;
  readonly scan: Scan;
  readonly embedder: Pick<FileEmbedder, "read" | "embedWindows">;
  /** Milliseconds, to know when to write. */
  readonly clock: () => number;
  /** Time between writes, ms (20 000 by default); a kill loses no more than that. */
  readonly writeEvery?: number;
  readonly onProgress?: (progress: IndexProgress) => void;
  readonly signal?: AbortSignal;
};

/**
 * Brings an index up to what the folder holds: embeds what is new or changed (another size or time), window by window,
 * goes on in a film where a run was stopped, and takes out what is gone. Files that cannot be used are left out with their
 * reason, and tried again next time; of a film that fails on the way what came before stands.
 *
 * @throws KdcError (`empty-folder`) when nothing is left of what is indexed; AbortError when stopped, all done so far kept
 */
export async function updateIndex(options: UpdateOptions): Promise<IndexChange> {
  const { store, ranks = alone, folder, scan, embedder, clock, writeEvery = 20_000, onProgress, signal } = options;
  const { window, hop } = store.about;
  const known = await knownFiles(store);
  const present = new Set(scan.candidates.map(({ file }) => file));
  const removed = [...known.keys()].filter((file) => !present.has(file));
  if (known.size > 0 && removed.length === known.size) throw nothingLeft(folder, known.size);
  const same = ({ file, size, modified }: Candidate) =>
    known.get(file)?.size === size && known.get(file)?.modified === modified;
  const skipOf = (candidate: Candidate): number => (same(candidate) ? nextWindow(known.get(candidate.file)!, hop) : 0);
  const waiting: readonly WaitingFile[] = await told(ranks, () =>
    scan.candidates
      .filter((candidate) => !(same(candidate) && known.get(candidate.file)!.whole))
      .map((candidate) => ({ ...candidate, skip: skipOf(candidate) })),
  );
  const total = waiting.reduce((sum, { size }) => sum + Math.max(1, size), 0);

  const leftOut: FileLeftOut[] = [];
  // A changed file that can no longer be used must not be found by what it was.
  const gone = [...removed];
  const ready: ClipVectors[] = [];
  let written = clock();
  const counted = { added: 0, changed: 0, resumed: 0 };
  let done = 0;
  const flush = async () => {
    if (ready.length > 0 || gone.length > 0) await store.change(ready.splice(0), gone.splice(0));
    written = clock();
  };
  const lengths = new Map<string, number>();
  const embedded = embeddedFiles(waiting, {
    ...{ folder, embedder, window, hop, ranks, signal },
    onLength: (file, seconds) => void lengths.set(file, seconds),
  });

  try {
    for await (const { candidate, windows } of embedded) {
      signal?.throwIfAborted();
      const { file, size, modified, skip } = candidate;
      const before = known.get(file);
      const resumed = skip > 0;
      if (before && !resumed) gone.push(file);
      // The last one is told apart only when nothing follows it.
      let held: ClipVectors | undefined;
      const tell = (at?: number) => {
        const length = lengths.get(file);
        const share = length === undefined || at === undefined ? 0 : Math.min(1, at / length);
        onProgress?.({
          done: done + share * size,
          total,
          file,
          ...(length === undefined ? {} : { at: at ?? 0, length }),
        });
      };
      let fault: { readonly reason: string; readonly message: string } | undefined;
      try {
        for await (const { index: _, ...made } of windows) {
          signal?.throwIfAborted();
          expectDirections(file, made);
          if (held) ready.push(held);
          held = { file, size, modified, last: false, ...made };
          tell(made.end);
          if (clock() - written > writeEvery) await flush();
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!isKdcError(error)) throw error;
        fault = error;
      }
      // Left off, it is embedded again by the run that goes on.
      if (held && !passingReasons.has(fault?.reason ?? "")) ready.push({ ...held, last: true });
      else fault ??= resumed ? undefined : { reason: "too-short", message: `${join(folder, file)}: it is too short` };
      if (fault) {
        const { reason, message } = fault;
        leftOut.push({ file, reason, message, ...(held ? { from: held.end } : {}) });
      }
      if (resumed) counted.resumed += 1;
      else if (held) counted[before ? "changed" : "added"] += 1;
      done += Math.max(1, size);
      onProgress?.({ done, total, file });
      if (clock() - written > writeEvery) await flush();
    }
  } finally {
    await flush();
  }
  return { ...counted, unchanged: scan.candidates.length - waiting.length, removed, leftOut };
}

/** The same for a rank that is not the first: it embeds its share of the files. */
export async function helpToUpdate(
  options: Required<Pick<UpdateOptions, "ranks">> & Pick<UpdateOptions, "folder" | "embedder" | "signal">,
  { window, hop }: Pick<IndexAbout, "window" | "hop">,
): Promise<void> {
  const waiting = await told<readonly WaitingFile[]>(options.ranks, () => []);
  for await (const _ of embeddedFiles(waiting, { ...options, window, hop })) options.signal?.throwIfAborted();
}

/** The window that follows those that are there of a file. */
const nextWindow = ({ lastStart }: KnownFile, hop: number): number => Math.round(lastStart / hop) + 1;

/** @throws KdcError (`not-finite`) for vectors that cannot be compared */
function expectDirections(file: string, made: Partial<EmbeddedWindow>): void {
  for (const stream of streamNames) {
    const vector = made[stream];
    if (vector === undefined || (vector.every(Number.isFinite) && vector.some((value) => value !== 0))) continue;
    throw new KdcError({
      where: file,
      what: `its ${stream} vector has no direction (all zeros, or not a number)`,
      remedy: "Check whether the model's training diverged",
      reason: "not-finite",
    });
  }
}

const nothingLeft = (folder: string, indexed: number) =>
  new KdcError({
    where: `folder ${folder}`,
    what: `none of the ${indexed} indexed files is there any more`,
    remedy: "Check that the folder is the right one and its disk is mounted; to begin again, delete the index",
    reason: "empty-folder",
  });

/** @throws KdcError (`other-folder`, `other-windows`) when an index is of another folder or of other windows */
export function expectSame(where: string, about: IndexAbout, wanted: IndexAbout): void {
  if (about.root !== wanted.root) {
    throw new KdcError({
      where: `index ${where}`,
      what: `it is of the folder ${about.root}, not of ${wanted.root}`,
      remedy: "Give a folder that holds both, or make another index with --index",
      reason: "other-folder",
    });
  }
  if (about.window === wanted.window && about.hop === wanted.hop) return;
  const words = ({ window, hop }: IndexAbout) => `windows of ${window} s every ${hop} s`;
  throw new KdcError({
    where: `index ${where}`,
    what: `it has ${words(about)}, not ${words(wanted)}`,
    remedy: `Give --window ${about.window} --hop ${about.hop}, or make another index with --index`,
    reason: "other-windows",
  });
}
