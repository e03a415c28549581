import { expectShape } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";
import { prepareRows, type Tile, tileColumns, tileRows } from "../product/row-products.js";
import {
  arrayCount,
  type CountAbove,
  type CountMaker,
  columnPlace,
  fourColumns,
  oneRow,
  wasmCount,
} from "./count-above.js";
import { unitRows } from "./unit-rows.js";

/** One number per query. */
export type DirectionRanks = {
  /** Number of gallery items with strictly greater cosine than the right one: 0 is best. */
  readonly rank: Int32Array;
  /** Number of other gallery items with exactly the right one's cosine. */
  readonly tied: Int32Array;
};

/** Ranks in both directions. */
export type CrossModalRanks = { readonly audioToVisual: DirectionRanks; readonly visualToAudio: DirectionRanks };

/**
 * Counts, piece by piece, what lies above the right answers; those are first read from the pieces on the diagonal.
 * Pieces have at most `rows` × `columns` cells.
 */
function tally(N: number, rows: number, columns: number, makers: readonly CountMaker[] = [wasmCount, arrayCount]) {
  const own = new Float32Array(N);
  const ranks = () => ({ rank: new Int32Array(N), tied: new Int32Array(N).fill(-1) });
  const [forward, backward] = [ranks(), ranks()];
  const counter = makers.reduce<CountAbove | undefined>(
    (made, make) => made ?? make(rows, toFour(columns)),
    undefined,
  )!;
  const place = (piece: Tile): number => {
    const width = toFour(piece.columns);
    if (piece.stride === width && piece.columns === width) {
      counter.values.set(piece.values.subarray(0, piece.rows * width));
      return width;
    }
    for (let i = 0; i < piece.rows; i++) {
      const from = i * piece.stride;
      counter.values.set(piece.values.subarray(from, from + piece.columns), i * width);
      counter.values.fill(noCosine, i * width + piece.columns, (i + 1) * width);
    }
    return width;
  };
  return {
    result: { audioToVisual: forward, visualToAudio: backward },
    readOwn({ row, rows, column, columns, stride, values }: Tile): void {
      for (let i = Math.max(row, column); i < Math.min(row + rows, column + columns); i++) {
        own[i] = values[(i - row) * stride + (i - column)];
      }
    },
    /** Takes the piece's numbers out of the caller's memory, and gives the function that counts them. */
    take(piece: Tile): () => void {
      const width = place(piece);
      return () => {
        counter.rights.set(own.subarray(piece.row, piece.row + piece.rows));
        counter.columns.counts.fill(0, 0, (width / 4) * fourColumns);
        for (let j = 0; j < width; j++) {
          counter.columns.rights[columnPlace(j)] = j < piece.columns ? own[piece.column + j] : 0;
        }
        counter.run(piece.rows, width);
        for (let j = 0; j < piece.columns; j++) {
          backward.rank[piece.column + j] += counter.columns.counts[columnPlace(j) + 4];
          backward.tied[piece.column + j] += counter.columns.counts[columnPlace(j) + 8];
        }
        for (let i = 0; i < piece.rows; i++) {
          for (let lane = i * oneRow; lane < i * oneRow + 4; lane++) {
            forward.rank[piece.row + i] += counter.rows[lane];
            forward.tied[piece.row + i] += counter.rows[lane + 4];
          }
        }
      };
    },
  };
}

/** Below every cosine: what fills a row up to whole fours. */
const noCosine = -2;
const toFour = (count: number): number => Math.ceil(count / 4) * 4;

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
  const counts = tally(N, tileRows, tileColumns);
  gallery.tiles(sounds, counts.readOwn, "diagonal");
  gallery.tiles(sounds, (tile) => counts.take(tile)());
  return counts.result;
}

/**
 * left · rightᵀ, `[M, D]` and `[M, D]` → `[M, M]`, always of one size; equal rows must have equal products wherever
 * they stand.
 */
export type Multiply = (left: Matrix, right: Matrix) => Promise<Matrix>;

/**
 * The same with somebody else's product, such as a runtime with several threads, for galleries of tens of thousands.
 * Two matrices of `block` × `block` are held at once.
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
  const rowsFrom = (source: Matrix, start: number): Matrix => {
    const part = source.data.subarray(start * D, (start + block) * D);
    if (part.length === block * D) return matrix(block, D, part);
    const padded = matrix(block, D);
    padded.data.set(part);
    return padded;
  };
  return ranksByPieces(N, block, async (row, column) => {
    const { data } = await multiply(rowsFrom(sounds, row), rowsFrom(pictures, column));
    const [rows, columns] = [Math.min(block, N - row), Math.min(block, N - column)];
    return { row, rows, column, columns, stride: block, values: data };
  });
}

/**
 * The same from pieces of the N × N similarities, which are made one after another, whatever makes them.
 *
 * @param piece the one whose first row and column are these, at most `block` × `block`; overwritten by the next if it likes
 */
export async function ranksByPieces(
  N: number,
  block: number,
  piece: (row: number, column: number) => Promise<Tile>,
): Promise<CrossModalRanks> {
  const starts = Array.from({ length: Math.ceil(N / block) }, (_, at) => at * block);
  const counts = tally(N, block, block);
  // Those on the diagonal first: a block's right answers are all in it.
  const places = [
    ...starts.map((start) => [start, start] as const),
    ...starts.flatMap((row) => starts.filter((column) => column !== row).map((column) => [row, column] as const)),
  ];
  let coming = piece(...places[0]);
  for (let at = 1; at <= places.length; at++) {
    const made = await coming;
    if (made.row === made.column) counts.readOwn(made);
    const count = counts.take(made);
    // The next product is made while this one is counted; it may be written where this one lay.
    if (at < places.length) coming = piece(...places[at]);
    count();
  }
  return counts.result;
}
