import { type FileHandle, open } from "node:fs/promises";
import { KdcError, type Stream } from "@kdc-mae/core";
import { beginFile, crc32 } from "@kdc-mae/core/node";
import { type Outline, readOutline, safetensorsHeader } from "@kdc-mae/model/node";
import { streamNames } from "../embed/embed-files.js";
import type { ClipVectors, IndexedClip } from "./clip-store.js";

/** The columns of a segment in their order in the file; `ends` says where each name ends in `names`. */
const columnNames = [
  "size",
  "modified",
  "ends",
  "start",
  "end",
  "audio",
  "visual",
  "joint",
  "streams",
  "names",
] as const;
export type ColumnName = (typeof columnNames)[number];

/** A clip's streams in one number, and whether it is its file's last; what it does not have is zeros. */
const bits = { audio: 1, visual: 2, joint: 4, last: 8 } as const;

/** What an index says of one of its segments: N rows, the length of their names, and CRC-32 block by block. */
export type SegmentAbout = {
  readonly file: string;
  readonly rows: number;
  readonly names: number;
  readonly sums: Readonly<Record<ColumnName, readonly number[]>>;
};

/** Rows that are read at a time. */
const rowsAtOnce = 16_384;
/** A block of a column is as many whole items as fit in these, bytes. */
const blockBytes = 4 * 2 ** 20;

/** Bytes of one item of a column, and how the file names it. */
const itemOf = (column: ColumnName, width: number): readonly [bytes: number, type: Outline["type"]] => {
  if (column === "audio" || column === "visual" || column === "joint") return [4 * width, "F32"];
  if (column === "streams") return [4, "I32"];
  return column === "names" ? [1, "U8"] : [8, "F64"];
};
const blockOf = (item: number): number => item * Math.max(1, Math.floor(blockBytes / item));
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Int32Array): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** Rows that can be written into a segment, column by column; `ends` counts from the rows' own first name. */
export type RowSource = {
  readonly rows: number;
  /** Bytes of all names. */
  readonly names: number;
  pieces(column: ColumnName): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
};

const bitsOf = (clip: ClipVectors): number =>
  streamNames.reduce((sum, stream) => sum + (clip[stream] ? bits[stream] : 0), clip.last ? bits.last : 0);

/** Clips in memory as rows. */
export function memoryRows(clips: readonly ClipVectors[], width: number): RowSource {
  const names = clips.map(({ file }) => new TextEncoder().encode(file));
  let end = 0;
  const ends = Float64Array.from(names, ({ length }) => (end += length));
  return {
    rows: clips.length,
    names: end,
    pieces(column) {
      if (column === "names") return [Buffer.concat(names)];
      if (column === "ends") return [bytesOf(ends)];
      if (column === "streams") return [bytesOf(Int32Array.from(clips, bitsOf))];
      if (column === "audio" || column === "visual" || column === "joint") return stacked(clips, column, width);
      return [bytesOf(Float64Array.from(clips, (clip) => clip[column]))];
    },
  };
}

/** The vectors of many clips in few pieces. */
function* stacked(clips: readonly ClipVectors[], column: Stream, width: number): Generator<Uint8Array> {
  for (let from = 0; from < clips.length; from += rowsAtOnce) {
    const some = clips.slice(from, from + rowsAtOnce);
    const values = new Float32Array(some.length * width);
    for (const [at, { [column]: vector }] of some.entries()) if (vector) values.set(vector, at * width);
    yield bytesOf(values);
  }
}

/** Pieces of any lengths as blocks of one length; the last may be shorter. */
async function* reblocked(pieces: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let [block, at] = [new Uint8Array(length), 0];
  for await (let piece of pieces) {
    while (piece.length > 0) {
      const taken = piece.subarray(0, length - at);
      block.set(taken, at);
      at += taken.length;
      piece = piece.subarray(taken.length);
      if (at < length) continue;
      yield block;
      [block, at] = [new Uint8Array(length), 0];
    }
  }
  if (at > 0) yield block.subarray(0, at);
}

/** One column of several sources, one after the other. */
async function* joined(sources: readonly RowSource[], column: ColumnName): AsyncGenerator<Uint8Array> {
  let before = 0;
  for (const source of sources) {
    for await (const piece of source.pieces(column)) {
      if (column !== "ends" || before === 0) yield piece;
      else {
        const ends = new Float64Array(piece.slice().buffer);
        yield bytesOf(ends.map((end) => end + before));
      }
    }
    before += source.names;
  }
}

/**
 * Writes rows as a segment, a block of a column at a time; it gets its name only after it was read back.
 *
 * @param path where to; its last part is what the index calls it
 */
export async function writeSegment(
  path: string,
  file: string,
  width: number,
  sources: readonly RowSource[],
): Promise<SegmentAbout> {
  const total = (of: (source: RowSource) => number) => sources.reduce((sum, source) => sum + of(source), 0);
  const [rows, names] = [total((source) => source.rows), total((source) => source.names)];
  const outlines = columnNames.map((name): Outline => {
    const [, type] = itemOf(name, width);
    return { name, type, shape: name === "names" ? [names] : type === "F32" ? [rows, width] : [rows] };
  });
  const sums = Object.fromEntries(columnNames.map((name) => [name, [] as number[]])) as Record<ColumnName, number[]>;
  const about: SegmentAbout = { file, rows, names, sums };
  const pending = await beginFile(path);
  try {
    await pending.write(safetensorsHeader(outlines, { "made-by": "kdc-mae index" }));
    for (const column of columnNames) {
      for await (const block of reblocked(joined(sources, column), blockOf(itemOf(column, width)[0]))) {
        sums[column].push(crc32(block));
        await pending.write(block);
      }
    }
    await pending.finish(async (written) => {
      const segment = await openSegment(written, about, width);
      try {
        for (const column of columnNames) for await (const _ of segment.blocks(column));
      } finally {
        await segment.close();
      }
    });
  } catch (error) {
    await pending.discard();
    throw error;
  }
  return about;
}

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
        throw damaged(`its column ${column} is damaged: a checksum is another`);
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

/** Those rows of a segment that are not dead, to be written into another. */
export async function liveRows(segment: Segment, width: number, dead: ReadonlySet<number>): Promise<RowSource> {
  if (dead.size === 0) {
    const { rows, names } = segment.about;
    return { rows, names, pieces: (column) => segment.blocks(column) };
  }
  let names = 0;
  for await (const { from, clips } of clipsOf(segment)) {
    for (const [at, { file }] of clips.entries()) if (!dead.has(from + at)) names += Buffer.byteLength(file);
  }
  async function* named(column: "names" | "ends"): AsyncGenerator<Uint8Array> {
    let end = 0;
    for await (const { from, clips } of clipsOf(segment)) {
      const kept = clips.filter((_, at) => !dead.has(from + at)).map(({ file }) => new TextEncoder().encode(file));
      if (column === "names") yield Buffer.concat(kept);
      else yield bytesOf(Float64Array.from(kept, ({ length }) => (end += length)));
    }
  }
  async function* plain(column: ColumnName): AsyncGenerator<Uint8Array> {
    const [item] = itemOf(column, width);
    let row = 0;
    for await (const block of segment.blocks(column)) {
      let from = 0;
      for (let at = 0; at < block.length; at += item) {
        if (!dead.has(row++)) continue;
        if (at > from) yield block.subarray(from, at);
        from = at + item;
      }
      if (from < block.length) yield block.subarray(from);
    }
  }
  return {
    rows: segment.about.rows - dead.size,
    names,
    pieces: (column) => (column === "names" || column === "ends" ? named(column) : plain(column)),
  };
}
