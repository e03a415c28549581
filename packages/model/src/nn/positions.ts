import { countPatches, type FloatTensor, float32, type PatchGrid } from "@kdc-mae/core";

/**
 * Fixed 2-D sine-cosine positions as MAE and CAV-MAE build them: `[1, N, D]`. The first half of the channels says
 * the column (time or width), the second half the row (frequency or height); each half is sines, then cosines, of
 * position · 10000^(−i / (D/4)).
 *
 * @param dim D, a multiple of 4
 */
export function sineCosinePositions(grid: PatchGrid, dim: number): FloatTensor {
  const table = float32([1, countPatches(grid), dim]);
  const quarter = dim / 4;
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const start = (row * grid.columns + column) * dim;
      for (let i = 0; i < quarter; i++) {
        const frequency = 10000 ** (-i / quarter);
        table.data[start + i] = Math.sin(column * frequency);
        table.data[start + quarter + i] = Math.cos(column * frequency);
        table.data[start + 2 * quarter + i] = Math.sin(row * frequency);
        table.data[start + 3 * quarter + i] = Math.cos(row * frequency);
      }
    }
  }
  return table;
}
