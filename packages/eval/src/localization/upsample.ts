import { type Matrix, matrix } from "../matrix.js";
import type { Size } from "./box.js";

/** Bilinear interpolation with corners aligned: the corner cells' centres become the corner pixels. `[r, c]` → `[height, width]`. */
export function upsampleBilinear(map: Matrix, { width, height }: Size): Matrix {
  const [rows, columns] = map.shape;
  const large = matrix(height, width);
  const step = (cells: number, pixels: number) => (pixels > 1 ? (cells - 1) / (pixels - 1) : 0);
  const [down, along] = [step(rows, height), step(columns, width)];
  for (let y = 0; y < height; y++) {
    const top = Math.min(Math.floor(y * down), rows - 1);
    const bottom = Math.min(top + 1, rows - 1);
    const v = y * down - top;
    for (let x = 0; x < width; x++) {
      const left = Math.min(Math.floor(x * along), columns - 1);
      const right = Math.min(left + 1, columns - 1);
      const u = x * along - left;
      const upper = (1 - u) * map.data[top * columns + left] + u * map.data[top * columns + right];
      const lower = (1 - u) * map.data[bottom * columns + left] + u * map.data[bottom * columns + right];
      large.data[y * width + x] = (1 - v) * upper + v * lower;
    }
  }
  return large;
}

/** Every pixel takes the value of the cell it lies in. `[r, c]` → `[height, width]`. */
export function upsampleNearest(map: Matrix, { width, height }: Size): Matrix {
  const [rows, columns] = map.shape;
  const large = matrix(height, width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height);
    for (let x = 0; x < width; x++) {
      large.data[y * width + x] = map.data[row * columns + Math.floor((x * columns) / width)];
    }
  }
  return large;
}

/** Stretched to 0–1; a constant map becomes zeros. */
export function minMax(map: Matrix): Matrix {
  let [low, high] = [Infinity, -Infinity];
  for (const value of map.data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high > low ? high - low : 1;
  return { shape: map.shape, data: map.data.map((value) => (value - low) / range) };
}
