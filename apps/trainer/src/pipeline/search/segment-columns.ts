import type { Outline } from "@kdc-mae/model/node";

/** The columns of a segment in their order in the file; `ends` says where each name ends in `names`. */
export const columnNames = [
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
export const bits = { audio: 1, visual: 2, joint: 4, last: 8 } as const;

/** What an index says of one of its segments: N rows, the length of their names, and CRC-32 block by block. */
export type SegmentAbout = {
  readonly file: string;
  readonly rows: number;
  readonly names: number;
  readonly sums: Readonly<Record<ColumnName, readonly number[]>>;
};

/** Rows that are read at a time. */
export const rowsAtOnce = 16_384;
/** A block of a column is as many whole items as fit in these, bytes. */
const blockBytes = 4 * 2 ** 20;

/** Bytes of one item of a column, and how the file names it. */
export const itemOf = (column: ColumnName, width: number): readonly [bytes: number, type: Outline["type"]] => {
  if (column === "audio" || column === "visual" || column === "joint") return [4 * width, "F32"];
  if (column === "streams") return [4, "I32"];
  return column === "names" ? [1, "U8"] : [8, "F64"];
};
/** Bytes of a block of items of so many bytes. */
export const blockOf = (item: number): number => item * Math.max(1, Math.floor(blockBytes / item));
/** The bytes of numbers, not copied. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Int32Array): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
