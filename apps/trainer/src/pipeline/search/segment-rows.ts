import type { Stream } from "@kdc-mae/core";
import { streamNames } from "../embed/stream-names.js";
import type { ClipVectors } from "./clip-store.js";
import { clipsOf, type Segment } from "./segment.js";
import { bits, bytesOf, type ColumnName, itemOf, rowsAtOnce } from "./segment-columns.js";

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
