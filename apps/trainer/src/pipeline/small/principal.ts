import { createRng, type FloatTensor, float32 } from "@kdc-mae/core";

/** Times that the subspace is turned towards the largest directions. */
const ROUNDS = 30;

/** Makes columns orthonormal, in place, each against those before it, twice: once is not enough in rounding. */
function orthonormalize(columns: readonly Float64Array[]): void {
  for (const [at, column] of columns.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (const before of columns.slice(0, at)) {
        let dot = 0;
        for (let d = 0; d < column.length; d++) dot += column[d] * before[d];
        for (let d = 0; d < column.length; d++) column[d] -= dot * before[d];
      }
    }
    const length = Math.hypot(...column) || 1;
    for (let d = 0; d < column.length; d++) column[d] /= length;
  }
}

/** Directions that embeddings lie in, and how much of their squared length. */
export type Directions = {
  /** Orthonormal rows, `[count, D]`. */
  readonly rows: FloatTensor;
  /** Share of the squared length of all embeddings within them, 0 to 1. */
  readonly kept: number;
};

/**
 * The `count` orthonormal directions in which embeddings have most of their squared length, by orthogonal iteration: cosines
 * between what is left of them in these directions are nearest to their own.
 *
 * @param embeddings vectors of D numbers
 */
export function principalDirections(embeddings: readonly Float32Array[], count: number): Directions {
  const D = embeddings[0].length;
  const moments = new Float64Array(D * D);
  let all = 0;
  for (const vector of embeddings) {
    const squared = vector.reduce((sum, value) => sum + value * value, 0) || 1;
    all += 1;
    for (let i = 0; i < D; i++) for (let j = 0; j < D; j++) moments[i * D + j] += (vector[i] * vector[j]) / squared;
  }
  const rng = createRng("principal directions");
  let columns = Array.from({ length: count }, () => Float64Array.from({ length: D }, () => rng.normal()));
  orthonormalize(columns);
  const through = (column: Float64Array) => {
    const out = new Float64Array(D);
    for (let i = 0; i < D; i++) for (let j = 0; j < D; j++) out[i] += moments[i * D + j] * column[j];
    return out;
  };
  for (let round = 0; round < ROUNDS; round++) {
    columns = columns.map(through);
    orthonormalize(columns);
  }
  let kept = 0;
  for (const column of columns) {
    const turned = through(column);
    for (let d = 0; d < D; d++) kept += column[d] * turned[d];
  }
  const rows = float32([count, D]);
  for (const [at, column] of columns.entries()) rows.data.set(column, at * D);
  return { rows, kept: kept / all };
}

/** Embeddings `[B, D]` in some directions, `[B, count]`. */
export function inDirections({ data, shape: [B, D] }: FloatTensor, { rows }: Directions): FloatTensor {
  const [count] = rows.shape;
  const out = float32([B, count]);
  for (let b = 0; b < B; b++) {
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += data[b * D + d] * rows.data[k * D + d];
      out.data[b * count + k] = sum;
    }
  }
  return out;
}
