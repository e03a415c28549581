import { type FileHandle, open } from "node:fs/promises";
import { KdcError, type Stream } from "@kdc-mae/core";
import { crc32 } from "@kdc-mae/core/node";
import { readOutline } from "@kdc-mae/model/node";
import { streamNames } from "../embed/stream-names.js";
import type { IndexedClip } from "./clip-store.js";
import {
  bits,
  blockOf,
  type ColumnName,
  columnNames,
  itemOf,
  rowsAtOnce,
  type SegmentAbout,
} from "./segment-columns.js";

/** A segment that is open for reading. Every block that is read is compared with its checksum. */
export type Segment = {
  readonly about: SegmentAbout;
  /** A column from its first byte to its last, block by block, each beginning with a whole item. */
  blocks(column: ColumnName): AsyncGenerator<Uint8Array>;
  /** Rows `from` … `to`, without their vectors. */
  clips(from: number, to: number): Promise<IndexedClip[]>;
  close(): Promise<void>;
};

/** @throws KdcError (`bad-index`) where the file is not the segment that the index names */
export async function openSegment(path: string, about: SegmentAbout, width: number): Promise<Segment> {
  const damaged = (what: string) =>
    new KdcError({
      where: `index ${path}`,
      what,
      remedy: "Delete the index folder and run kdc-mae index again, or put back a copy",
      reason: "bad-index",
    });
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    throw Object.assign(damaged("a file of the index is missing or cannot be read"), { cause });
  }
  try {
    const { entries } = await readOutline(file);
    const starts = new Map(entries.map(({ name, start }) => [name, start]));
    const bytesIn = (column: ColumnName) => (column === "names" ? about.names : about.rows * itemOf(column, width)[0]);
    for (const column of columnNames) {
      const entry = entries.find(({ name }) => name === column);
      if (entry === undefined || entry.end - entry.start !== bytesIn(column))
        throw damaged(`its column ${column} is not what the index says`);
    }
    const held = new Map<ColumnName, { readonly block: number; readonly bytes: Uint8Array }>();

    const block = async (column: ColumnName, at: number): Promise<Uint8Array> => {
      const before = held.get(column);
      if (before?.block === at) return before.bytes;
      const size = blockOf(itemOf(column, width)[0]);
      const bytes = new Uint8Array(Math.min(size, bytesIn(column) - at * size));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, starts.get(column)! + at * size);
      if (bytesRead !== bytes.length || crc32(bytes) !== about.sums[column][at])
        throw damaged(`its column ${column} is damaged: a checksum does not match`);
      // Vectors are passed over once; the rest is asked for piece by piece.
      if (itemOf(column, width)[0] <= 8) held.set(column, { block: at, bytes });
      return bytes;
    };
    /** Bytes `from` … `to` of a column. */
    const range = async (column: ColumnName, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> => {
      const size = blockOf(itemOf(column, width)[0]);
      const bytes = new Uint8Array(to - from);
      for (let at = from; at < to; ) {
        const whole = await block(column, Math.floor(at / size));
        const part = whole.subarray(at % size, (at % size) + to - at);
        bytes.set(part, at - from);
        at += part.length;
      }
      return bytes;
    };
    return {
      about,
      async *blocks(column) {
        const size = blockOf(itemOf(column, width)[0]);
        for (let at = 0; at * size < bytesIn(column); at++) yield await block(column, at);
      },
      async clips(from, to) {
        const numbers = async (column: ColumnName) => new Float64Array((await range(column, 8 * from, 8 * to)).buffer);
        const [size, modified, ends] = [await numbers("size"), await numbers("modified"), await numbers("ends")];
        const [start, end] = [await numbers("start"), await numbers("end")];
        const streams = new Int32Array((await range("streams", 4 * from, 4 * to)).buffer);
        const first = from === 0 ? 0 : new Float64Array((await range("ends", 8 * from - 8, 8 * from)).buffer)[0];
        const names = await range("names", first, ends[to - from - 1] ?? first);
        const text = new TextDecoder();
        return Array.from(size, (_, at): IndexedClip => {
          const name = names.subarray((at === 0 ? first : ends[at - 1]) - first, ends[at] - first);
          return {
            ...{ file: text.decode(name), size: size[at], modified: modified[at], start: start[at], end: end[at] },
            streams: streamNames.filter((stream) => (streams[at] & bits[stream]) !== 0),
            last: (streams[at] & bits.last) !== 0,
          };
        });
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The rows of a segment in stretches, without their vectors. */
export async function* clipsOf(
  segment: Segment,
): AsyncGenerator<{ readonly from: number; readonly clips: IndexedClip[] }> {
  for (let from = 0; from < segment.about.rows; from += rowsAtOnce) {
    yield { from, clips: await segment.clips(from, Math.min(segment.about.rows, from + rowsAtOnce)) };
  }
}

/** How many rows of a segment have a stream. */
export async function countIn(segment: Segment, stream: Stream, dead: ReadonlySet<number>): Promise<number> {
  let [count, row] = [0, 0];
  for await (const { buffer, byteOffset, byteLength } of segment.blocks("streams")) {
    for (const value of new Int32Array(buffer as ArrayBuffer, byteOffset, byteLength / 4)) {
      if ((value & bits[stream]) !== 0 && !dead.has(row)) count++;
      row++;
    }
  }
  return count;
}
