import { expectMatrix, type Matrix } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { unitRows } from "../retrieval/unit-rows.js";

/**
 * How near the two sides of a pair lie: the mean squared distance of unit vectors, 0 (together) to 4 (opposite). Wang &
 * Isola 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
 * ℓ_align with α = 2.
 *
 * @param one `[N, D]`
 * @param other `[N, D]`, the other side of each pair
 * @throws KdcError for unequal shapes, rows of zeros, and numbers that are not finite
 */
export function alignment(one: Matrix, other: Matrix): number {
  const { N, D } = expectMatrix("alignment", "one", one, "N D");
  expectMatrix("alignment", "other", other, "N D", { N, D });
  const [a, b] = [unitRows("alignment", "one", one).data, unitRows("alignment", "other", other).data];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / N;
}

/**
 * How evenly unit vectors lie on the sphere: ln of the mean of exp(−2 · squared distance) over all pairs of different
 * rows. 0 where all lie together; about −4 where many channels are used evenly. Lower is more uniform. Wang & Isola 2020,
 * ℓ_uniform with t = 2.
 *
 * @param features `[N, D]`, N at least 2
 * @throws KdcError for rows of zeros, and numbers that are not finite
 */
export function uniformity(features: Matrix): number {
  const rows = unitRows("uniformity", "features", features);
  const [N] = rows.shape;
  if (N < 2) return 0;
  let sum = 0;
  prepareRows(rows).tiles(rows, ({ row, rows: count, column, columns, stride, values }) => {
    for (let i = 0; i < count; i++) {
      // Each pair once: cells above the diagonal.
      for (let j = Math.max(0, row + i + 1 - column); j < columns; j++) {
        // |x − y|² = 2 − 2 cos for unit vectors.
        sum += Math.exp(-2 * Math.max(0, 2 - 2 * values[i * stride + j]));
      }
    }
  });
  return Math.log(sum / ((N * (N - 1)) / 2));
}

/**
 * How much each channel of unit-length embeddings differs from clip to clip: its standard deviation (over N) times √D,
 * `[D]`. 1 where vectors lie evenly on the sphere, 0 where a channel says the same of every clip. Chen & He 2021,
 * "Exploring Simple Siamese Representation Learning", section 4.1.
 *
 * @param features `[N, D]`
 * @throws KdcError for rows of zeros, and numbers that are not finite
 */
export function channelDeviations(features: Matrix): Float64Array {
  const { shape, data } = unitRows("channelDeviations", "features", features);
  const [N, D] = shape;
  const deviations = new Float64Array(D);
  for (let d = 0; d < D; d++) {
    let sum = 0;
    for (let i = 0; i < N; i++) sum += data[i * D + d];
    const mean = sum / N;
    let squares = 0;
    for (let i = 0; i < N; i++) squares += (data[i * D + d] - mean) ** 2;
    deviations[d] = Math.sqrt((squares / N) * D);
  }
  return deviations;
}
