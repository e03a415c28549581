import {
  add,
  cast,
  equal,
  expandDims,
  matMul,
  mul,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
} from "@tensorflow/tfjs-core";

/** `[B, K]` positions among `n` → `[B, K, n]` with a one in each row. */
export function oneHotPositions(positions: Tensor2D, n: number): Tensor3D {
  const slots = tensor1d(
    Int32Array.from({ length: n }, (_, slot) => slot),
    "int32",
  );
  return cast(equal(expandDims(positions, -1), slots), "float32") as Tensor3D;
}

/**
 * Seats each token at its own position and `blank` at every other.
 *
 * A product with a one-hot matrix, because the gradient of a gather is slow on some backends and missing on others.
 *
 * @param tokens `[B, K, D]`
 * @param positions `[B, K]` int32 in 0 … n−1, no two alike in a row
 * @param n slots
 * @param blank `[1, 1, D]`
 * @returns `[B, n, D]`
 */
export function place(tokens: Tensor3D, positions: Tensor2D, n: number, blank: Tensor): Tensor3D {
  const seats = oneHotPositions(positions, n);
  const empty = expandDims(sub(1, sum(seats, 1)), -1);
  return add(matMul(seats, tokens, true, false), mul(empty, blank));
}

/**
 * Takes the rows at `positions`, the other way round: `[B, n, D]` and `[B, K]` → `[B, K, D]`.
 */
export const pick = (rows: Tensor3D, positions: Tensor2D): Tensor3D =>
  matMul(oneHotPositions(positions, rows.shape[1]), rows);
