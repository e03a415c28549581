import { expectShape, KdcError } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";
import { unitRows } from "../retrieval/unit-rows.js";

/**
 * Cosine of one sound with every visual token, as a picture of the token grid.
 *
 * @param audio mean audio embedding, `[D]`
 * @param visual visual tokens row by row, `[N, D]` with N = rows · columns
 * @returns `[rows, columns]`, −1 to 1
 *
 * @example
 * ```ts
 * import { matrix, similarityMap } from "@kdc-mae/eval";
 *
 * const tokens = matrix(4, 2, Float32Array.of(1, 0, 0, 1, -1, 0, 0, -1)); // a grid of 2 × 2 tokens
 * similarityMap(Float32Array.of(2, 0), tokens, { rows: 2, columns: 2 }); // [2, 2]: 1, 0, −1, 0
 * ```
 */
export function similarityMap(
  audio: Float32Array,
  visual: Matrix,
  grid: { readonly rows: number; readonly columns: number },
): Matrix {
  const where = "similarityMap";
  expectShape(where, "visual", visual, "N D", { N: grid.rows * grid.columns, D: audio.length });
  const sound = unitRows(where, "audio", matrix(1, audio.length, audio)).data;
  const tokens = unitRows(where, "visual", visual).data;
  const map = matrix(grid.rows, grid.columns);
  for (let n = 0; n < map.data.length; n++) {
    let sum = 0;
    for (let k = 0; k < sound.length; k++) sum += sound[k] * tokens[n * sound.length + k];
    map.data[n] = sum;
  }
  return map;
}

/** How much sound each patch holds if the truth were known: the share of every patch that `mask` covers. */
export function gridCoverage(mask: Matrix, grid: { readonly rows: number; readonly columns: number }): Matrix {
  const [height, width] = mask.shape;
  if (height % grid.rows !== 0 || width % grid.columns !== 0) {
    throw new KdcError({
      where: "gridCoverage",
      what: `a picture of ${width} × ${height} does not divide into ${grid.columns} × ${grid.rows} patches`,
      remedy: "Score in a size that is a multiple of the grid, such as the model's input size",
      reason: "shape",
    });
  }
  const [tall, wide] = [height / grid.rows, width / grid.columns];
  const covered = matrix(grid.rows, grid.columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const patch = Math.floor(y / tall) * grid.columns + Math.floor(x / wide);
      covered.data[patch] += mask.data[y * width + x] / (tall * wide);
    }
  }
  return covered;
}
