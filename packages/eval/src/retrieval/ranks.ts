import { expectShape } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { unitRows } from "./unit-rows.js";

/** One number per query. */
export type Ranks = {
  /** Number of gallery items with strictly greater cosine than the right one: 0 is best. */
  readonly rank: Int32Array;
  /** Number of other gallery items with exactly the right one's cosine. */
  readonly tied: Int32Array;
};

/** Ranks in both directions. */
export type CrossModalRanks = { readonly audioToVisual: Ranks; readonly visualToAudio: Ranks };

/** A piece of all cosines: that of row `row + i` with column `column + j` is `values[i · stride + j]`. */
type Piece = {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  readonly stride: number;
  readonly values: Float32Array;
};

/**
 * Bits of a float32 as an integer that sorts the same way. Those of cosines lie within ±0x3f80_0000 and a little, so that
 * the sign of a difference of two tells which is larger without a branch, which half of all cells would guess wrong.
 */
const sortable = (bits: number): number => bits ^ ((bits >> 31) & 0x7fffffff);

/** Counts, piece by piece, what lies above the right answers; those are first read from the pieces on the diagonal. */
function tally(N: number) {
  const own = new Int32Array(N);
  const ranks = () => ({ rank: new Int32Array(N), tied: new Int32Array(N).fill(-1) });
  const forward = ranks();
  const backward = ranks();
  const bitsOf = (values: Float32Array) => new Int32Array(values.buffer, values.byteOffset, values.length);
  return {
    result: { audioToVisual: forward, visualToAudio: backward },
    readOwn({ row, rows, column, columns, stride, values }: Piece): void {
      const bits = bitsOf(values);
      for (let i = Math.max(row, column); i < Math.min(row + rows, column + columns); i++) {
        own[i] = sortable(bits[(i - row) * stride + (i - column)]);
      }
    },
    count({ row, rows, column, columns, stride, values }: Piece): void {
      const bits = bitsOf(values);
      const others = own.subarray(column, column + columns);
      const rank = backward.rank.subarray(column, column + columns);
      for (let i = 0; i < rows; i++) {
        const right = own[row + i];
        const from = i * stride;
        let above = 0;
        let equal = 0;
        for (let j = 0; j < columns; j++) {
          const key = sortable(bits[from + j]);
          const other = others[j];
          above += (right - key) >>> 31;
          rank[j] += (other - key) >>> 31;
          if (key === right) equal++;
          if (key === other) backward.tied[column + j]++;
        }
        forward.rank[row + i] += above;
        forward.tied[row + i] += equal;
      }
    },
  };
}

function unitPair(where: string, audio: Matrix, visual: Matrix) {
  const sounds = unitRows(where, "audio", audio);
  const pictures = unitRows(where, "visual", visual);
  const [N, D] = sounds.shape;
  expectShape(where, "visual", visual, "N D", { N, D });
  return { sounds, pictures, N, D };
}

/**
 * Ranks of the right partner in both directions from one pass over all N × N cosines, never held at once.
 * Row i of `audio [N, D]` belongs to row i of `visual [N, D]`.
 *
 * @throws KdcError for an empty gallery, unequal shapes, NaN or zero rows
 */
export function crossModalRanks(audio: Matrix, visual: Matrix): CrossModalRanks {
  const { sounds, pictures, N } = unitPair("crossModalRanks", audio, visual);
  const gallery = prepareRows(pictures);
  const counts = tally(N);
  gallery.tiles(sounds, counts.readOwn, "diagonal");
  gallery.tiles(sounds, counts.count);
  return counts.result;
}

/**
 * left · rightᵀ, `[M, D]` and `[M, D]` → `[M, M]`, always of one size; equal rows must have equal products wherever
 * they stand.
 */
export type Multiply = (left: Matrix, right: Matrix) => Promise<Matrix>;

/**
 * The same with somebody else's product, such as a runtime with several threads, for galleries of tens of thousands.
 * Three matrices of `block` rows are held at once.
 *
 * @param block M, rows in one product; missing rows are zeros
 * @throws KdcError as {@link crossModalRanks}
 */
export async function crossModalRanksBy(
  audio: Matrix,
  visual: Matrix,
  multiply: Multiply,
  block = 2048,
): Promise<CrossModalRanks> {
  const { sounds, pictures, N, D } = unitPair("crossModalRanksBy", audio, visual);
  const starts = Array.from({ length: Math.ceil(N / block) }, (_, at) => at * block);
  const rowsFrom = (source: Matrix, start: number): Matrix => {
    const part = source.data.subarray(start * D, (start + block) * D);
    if (part.length === block * D) return matrix(block, D, part);
    const padded = matrix(block, D);
    padded.data.set(part);
    return padded;
  };
  const counts = tally(N);
  const piece = async (row: number, column: number): Promise<Piece> => {
    const { data } = await multiply(rowsFrom(sounds, row), rowsFrom(pictures, column));
    const [rows, columns] = [Math.min(block, N - row), Math.min(block, N - column)];
    return { row, rows, column, columns, stride: block, values: data };
  };
  for (const start of starts) counts.readOwn(await piece(start, start));
  const places = starts.flatMap((row) => starts.map((column) => [row, column] as const));
  let coming = piece(...places[0]);
  for (let at = 1; at <= places.length; at++) {
    const made = await coming;
    // The next product is made while this one is counted; it may be written where this one lies.
    const values = made.values.slice();
    if (at < places.length) coming = piece(...places[at]);
    counts.count({ ...made, values });
  }
  return counts.result;
}
