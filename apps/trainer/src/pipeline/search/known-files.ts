import type { ClipStore } from "./clip-store.js";

/** A file of which an index holds clips. */
export type KnownFile = {
  readonly size: number;
  readonly modified: number;
  /** Where its last clip begins, seconds. */
  readonly lastStart: number;
  /** All of it is indexed; else a run was stopped on the way. */
  readonly whole: boolean;
};

/** The files of an index. */
export async function knownFiles(store: Pick<ClipStore, "clips">): Promise<Map<string, KnownFile>> {
  const known = new Map<string, KnownFile>();
  for await (const { file, size, modified, start, last } of store.clips()) {
    const before = known.get(file);
    known.set(file, {
      ...{ size, modified },
      lastStart: Math.max(start, before?.lastStart ?? 0),
      whole: last || before?.whole === true,
    });
  }
  return known;
}
