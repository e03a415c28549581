import { expectShape } from "@kdc-mae/core";
import type { Matrix } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { unitRows } from "./unit-rows.js";

/** One number per query. */
export type Ranks = {
  /** Number of gallery items with strictly greater cosine than the right one: 0 is best. */
  readonly rank: Int32Array;
  /** Number of other gallery items with exactly the right one's cosine. */
  readonly tied: Int32Array;
};

/**
 * Ranks of the right partner in both directions from one pass over all N × N cosines, never held at once.
 * Row i of `audio [N, D]` belongs to row i of `visual [N, D]`.
 *
 * @throws KdcError for an empty gallery, unequal shapes, NaN or zero rows
 */
export function crossModalRanks(
  audio: Matrix,
  visual: Matrix,
): { readonly audioToVisual: Ranks; readonly visualToAudio: Ranks } {
  const where = "crossModalRanks";
  const sounds = unitRows(where, "audio", audio);
  const pictures = unitRows(where, "visual", visual);
  const [N, D] = sounds.shape;
  expectShape(where, "visual", visual, "N D", { N, D });

  const gallery = prepareRows(pictures);
  const own = new Float32Array(N);
  gallery.tiles(
    sounds,
    ({ row, rows, column, columns, stride, values }) => {
      for (let i = Math.max(row, column); i < Math.min(row + rows, column + columns); i++) {
        own[i] = values[(i - row) * stride + (i - column)];
      }
    },
    "diagonal",
  );
  const ranks = () => ({ rank: new Int32Array(N), tied: new Int32Array(N).fill(-1) });
  const forward = ranks();
  const backward = ranks();
  gallery.tiles(sounds, ({ row, rows, column, columns, stride, values }) => {
    for (let i = 0; i < rows; i++) {
      const right = own[row + i];
      let above = 0;
      let equal = 0;
      for (let j = 0; j < columns; j++) {
        const value = values[i * stride + j];
        const other = own[column + j];
        if (value > right) above++;
        else if (value === right) equal++;
        if (value > other) backward.rank[column + j]++;
        else if (value === other) backward.tied[column + j]++;
      }
      forward.rank[row + i] += above;
      forward.tied[row + i] += equal;
    }
  });
  return { audioToVisual: forward, visualToAudio: backward };
}
