import { expectShape, KdcError } from "@kdc-mae/core";
import type { Matrix } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { unitRows } from "./unit-rows.js";

/** A gallery item found by a query. */
export type Neighbour = { readonly index: number; readonly cosine: number };

/**
 * The `count` nearest gallery rows of every query by cosine, nearest first; equal cosines keep the gallery's order.
 * `queries [M, D]`, `gallery [N, D]` → M lists of min(count, N).
 *
 * @example
 * ```ts
 * import { matrix, neighbours } from "@kdc-mae/eval";
 *
 * const gallery = matrix(2, 2, Float32Array.of(1, 0, 0, 1));
 * const [[nearest]] = neighbours(matrix(1, 2, Float32Array.of(2, 1)), gallery, 1); // row 0, and its cosine
 * ```
 */
export function neighbours(queries: Matrix, gallery: Matrix, count: number): readonly (readonly Neighbour[])[] {
  const where = "neighbours";
  const rows = unitRows(where, "queries", queries);
  const items = unitRows(where, "gallery", gallery);
  expectShape(where, "gallery", gallery, "N D", { D: rows.shape[1] });
  if (!(Number.isInteger(count) && count > 0)) {
    throw new KdcError({
      where,
      what: `${count} neighbours were asked for`,
      remedy: "Ask for one or more",
      reason: "count",
    });
  }
  const lists = Array.from({ length: rows.shape[0] }, (): Neighbour[] => []);
  prepareRows(items).tiles(rows, (tile) => {
    for (let i = 0; i < tile.rows; i++) {
      const list = lists[tile.row + i];
      for (let j = 0; j < tile.columns; j++) {
        const cosine = tile.values[i * tile.stride + j];
        if (list.length === count && cosine <= list[count - 1].cosine) continue;
        let place = list.length;
        while (place > 0 && list[place - 1].cosine < cosine) place--;
        list.splice(place, 0, { index: tile.column + j, cosine });
        if (list.length > count) list.pop();
      }
    }
  });
  return lists;
}
