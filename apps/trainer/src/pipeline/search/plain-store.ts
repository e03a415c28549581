import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { fileError, makeFolder, sweepTemporaries, writeWhole } from "@kdc-mae/core/node";
import type { ClipStore, ClipVectors, IndexAbout } from "./clip-store.js";
import { fileHashes, type HashedFiles, hashOfFile } from "./hashed-files.js";
import { type PlainIndex, readIndexFile, type SegmentState, segmentName, writtenIndex } from "./index-file.js";
import { type FoundRow, nearestIn } from "./nearest-in.js";
import { clipsOf, countIn, openSegment, type Segment } from "./segment.js";
import { liveRows, memoryRows } from "./segment-rows.js";
import { writeSegment } from "./write-segment.js";

/** The file that says what a plain index is made of: segments, which never change, and their dead rows. */
export const plainFile = (folder: string): string => join(folder, "index.json");

/** True where a plain index lies in the folder. */
export const isPlainStore = (folder: string): boolean => existsSync(plainFile(folder));

/** A segment that is open, its dead rows, and where to look for a file in it. */
type Open = { readonly segment: Segment; readonly dead: ReadonlySet<number>; files?: HashedFiles };

/**
 * Opens a plain index, or begins one. It needs nothing but this project, and holds in memory only what the files' names
 * take: a change writes a new segment, reads it back, and then replaces `index.json`; searching reads one stream block
 * by block and compares exactly. Small segments are merged, so that there are about log₂ of the number of changes.
 *
 * @param fresh what to begin with where there is none
 * @throws KdcError (`no-index`) where there is none and none is to be begun; (`bad-index`) for a damaged one
 */
export async function openPlainStore(folder: string, fresh?: IndexAbout): Promise<ClipStore> {
  let { index, open } = await openAll(folder, fresh);
  const { about } = index;
  const { width } = about;
  const at = (file: string) => join(folder, file);

  const clear = async () => {
    await sweepTemporaries(folder);
    const used = new Set(index.segments.map(({ file }) => file));
    for (const name of await readdir(folder)) {
      if (segmentName.test(name) && !used.has(name)) await rm(at(name), { force: true });
    }
  };
  const newName = (() => {
    let last = Math.max(0, ...index.segments.map(({ file }) => Number(file.slice(8, 16))));
    return () => `segment-${String(++last).padStart(8, "0")}.safetensors`;
  })();

  /** The segments with the rows of these files dead. */
  const buried = async (files: ReadonlySet<string>): Promise<readonly Open[]> => {
    const all: Open[] = [];
    for (const one of open) {
      one.files ??= await fileHashes(one.segment);
      const found: number[] = [];
      if ([...files].some((file) => one.files?.mayHold(hashOfFile(file)))) {
        for await (const { from, clips } of clipsOf(one.segment)) {
          for (const [row, { file }] of clips.entries()) if (files.has(file)) found.push(from + row);
        }
      }
      all.push(found.length === 0 ? one : { ...one, dead: new Set([...one.dead, ...found]) });
    }
    return all;
  };
  const liveIn = ({ segment, dead }: Open): number => segment.about.rows - dead.size;
  /**
   * The segments with new clips at their end. Those at the end that are not much larger than what follows them, and those
   * from the first on that is mostly dead, are written as one with the new clips.
   */
  const joinedWith = async (all: readonly Open[], clips: readonly ClipVectors[]): Promise<readonly Open[]> => {
    let [first, rows] = [all.length, clips.length];
    while (first > 0 && rows > 0 && liveIn(all[first - 1]) < 2 * rows) rows += liveIn(all[--first]);
    const wasted = all.findIndex(({ segment, dead }) => 4 * dead.size > segment.about.rows);
    if (wasted >= 0) first = Math.min(first, wasted);
    const old = all.slice(first).filter((one) => liveIn(one) > 0);
    if (old.length === 0 && clips.length === 0) return all.slice(0, first);
    const file = newName();
    const sources = await Promise.all(old.map(({ segment, dead }) => liveRows(segment, width, dead)));
    const written = await writeSegment(at(file), file, width, [...sources, memoryRows(clips, width)]);
    return [...all.slice(0, first), { segment: await openSegment(at(file), written, width), dead: new Set() }];
  };

  return {
    kind: "plain",
    about,
    async count(stream) {
      if (stream === undefined) return open.reduce((sum, one) => sum + liveIn(one), 0);
      let count = 0;
      for (const { segment, dead } of open) count += await countIn(segment, stream, dead);
      return count;
    },
    async *clips() {
      for (const { segment, dead } of open) {
        for await (const { from, clips } of clipsOf(segment)) {
          for (const [row, clip] of clips.entries()) if (!dead.has(from + row)) yield clip;
        }
      }
    },
    async change(added, removed) {
      await makeFolder(folder);
      const all = await joinedWith(await buried(new Set(removed)), added);
      const segments = all.map(({ segment, dead }): SegmentState => ({ ...segment.about, dead: [...dead] }));
      index = { about, segments };
      await writeWhole(plainFile(folder), writtenIndex(index));
      const kept = new Set(all.map(({ segment }) => segment));
      await Promise.all(open.filter(({ segment }) => !kept.has(segment)).map(({ segment }) => segment.close()));
      open = all;
      await clear();
    },
    async nearest(stream, query, count) {
      const found: { readonly row: FoundRow; readonly segment: Segment }[] = [];
      for (const { segment, dead } of open) {
        const rows = await nearestIn(segment, stream, query, count, dead);
        found.push(...rows.map((row) => ({ row, segment })));
      }
      // Stable: equal ones stay in the order of the segments.
      const best = found.sort((a, b) => b.row.cosine - a.row.cosine).slice(0, count);
      return Promise.all(
        best.map(async ({ row, segment }) => {
          const [clip] = await segment.clips(row.row, row.row + 1);
          return { clip, cosine: row.cosine };
        }),
      );
    },
    async close() {
      await Promise.all(open.map(({ segment }) => segment.close()));
    },
  };
}

async function openAll(
  folder: string,
  fresh: IndexAbout | undefined,
): Promise<{ index: PlainIndex; open: readonly Open[] }> {
  for (let tries = 0; ; tries++) {
    const text = await readFile(plainFile(folder), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw fileError("read", plainFile(folder), error);
    });
    if (text === undefined) {
      if (fresh === undefined) throw noIndex(folder);
      return { index: { about: fresh, segments: [] }, open: [] };
    }
    const index = readIndexFile(text, plainFile(folder));
    const open: Open[] = [];
    try {
      for (const { dead, ...about } of index.segments) {
        open.push({
          segment: await openSegment(join(folder, about.file), about, index.about.width),
          dead: new Set(dead),
        });
      }
      return { index, open };
    } catch (error) {
      await Promise.all(open.map(({ segment }) => segment.close()));
      // Between reading what it is made of and opening that, somebody may have merged it.
      const again = await readFile(plainFile(folder), "utf8").catch(() => text);
      if (again === text || tries > 5) throw error;
    }
  }
}

/** The error of a place without an index. */
export const noIndex = (where: string): KdcError =>
  new KdcError({
    where: `index ${where}`,
    what: "there is no index",
    remedy: "Make one with kdc-mae index FOLDER, or say where it is with --index",
    reason: "no-index",
  });
