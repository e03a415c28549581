import { type FloatTensor, float32 } from "@kdc-mae/core";

/** Rows and columns of a table of positions. */
type Extent = { readonly rows: number; readonly columns: number };

const sameExtent = (a: Extent, b: Extent): boolean => a.rows === b.rows && a.columns === b.columns;

/** Bilinear sampling weights along one axis with half-pixel centres (PyTorch's `align_corners=False`). */
function sample(index: number, from: number, to: number): [low: number, high: number, share: number] {
  const at = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
  const low = Math.floor(at);
  return [low, Math.min(low + 1, from - 1), at - low];
}

/** Keeps the first rows and columns: `[1, N, D]` → `[1, N', D]`. A shorter clip is a clip that stops early. */
export function trimPositions(table: FloatTensor, from: Extent, to: Extent): FloatTensor {
  if (sameExtent(from, to)) return table;
  const D = table.shape[2];
  const out = float32([1, to.rows * to.columns, D]);
  for (let row = 0; row < to.rows; row++) {
    const start = row * from.columns * D;
    out.data.set(table.data.subarray(start, start + to.columns * D), row * to.columns * D);
  }
  return out;
}

/** Stretches a table bilinearly: `[1, N, D]` → `[1, N', D]`. */
export function interpolatePositions(table: FloatTensor, from: Extent, to: Extent): FloatTensor {
  const D = table.shape[2];
  const out = float32([1, to.rows * to.columns, D]);
  const read = (row: number, column: number, d: number) => table.data[(row * from.columns + column) * D + d];
  for (let row = 0; row < to.rows; row++) {
    const [top, bottom, down] = sample(row, from.rows, to.rows);
    for (let column = 0; column < to.columns; column++) {
      const [left, right, across] = sample(column, from.columns, to.columns);
      for (let d = 0; d < D; d++) {
        const upper = read(top, left, d) * (1 - across) + read(top, right, d) * across;
        const lower = read(bottom, left, d) * (1 - across) + read(bottom, right, d) * across;
        out.data[(row * to.columns + column) * D + d] = upper * (1 - down) + lower * down;
      }
    }
  }
  return out;
}
