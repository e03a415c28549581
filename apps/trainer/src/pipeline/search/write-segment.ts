import { beginFile, crc32 } from "@kdc-mae/core/node";
import { type Outline, safetensorsHeader } from "@kdc-mae/model/node";
import { openSegment } from "./segment.js";
import { blockOf, bytesOf, type ColumnName, columnNames, itemOf, type SegmentAbout } from "./segment-columns.js";
import type { RowSource } from "./segment-rows.js";

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
