import { type Matrix, matrix } from "../matrix.js";

/** Mean and scale of every column, `[D]` each. A constant column has scale 1, and so becomes all zeros. */
export type Scaling = { readonly mean: Float64Array; readonly scale: Float64Array };

/** Column means and standard deviations (biased) of `[N, D]`. */
export function columnScaling(features: Matrix): Scaling {
  const [rows, columns] = features.shape;
  const mean = new Float64Array(columns);
  const scale = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let k = 0; k < columns; k++) mean[k] += features.data[i * columns + k] / rows;
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++) scale[k] += (features.data[i * columns + k] - mean[k]) ** 2 / rows;
  }
  // Rounding alone makes a constant float32 column vary by about 1e-7 of its size.
  for (let k = 0; k < columns; k++) {
    const deviation = Math.sqrt(scale[k]);
    scale[k] = deviation > 1e-6 * Math.abs(mean[k]) && deviation > 0 ? deviation : 1;
  }
  return { mean, scale };
}

/** (x − mean) / scale by column, `[N, D]`. */
export function standardize(features: Matrix, { mean, scale }: Scaling): Matrix {
  const [rows, columns] = features.shape;
  const out = matrix(rows, columns);
  for (let i = 0; i < rows * columns; i++) out.data[i] = (features.data[i] - mean[i % columns]) / scale[i % columns];
  return out;
}
