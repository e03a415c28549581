import { KdcError } from "@kdc-mae/core";
import { expectMatrix, type Matrix, matrix } from "../matrix.js";

/**
 * Rows divided by their length, so that a product of two rows is their cosine. `[N, D]` → `[N, D]`.
 *
 * @throws KdcError (`empty`, `shape`, `not-finite`, `zero-vector`)
 */
export function unitRows(where: string, name: string, rows: Matrix): Matrix {
  const { N, D } = expectMatrix(where, name, rows, "N D");
  if (N === 0 || D === 0) {
    throw new KdcError({
      where,
      what: `${name} has no rows to compare, shape [${N}, ${D}]`,
      remedy: "Check that the split has clips and that not all of them were left out",
      reason: "empty",
    });
  }
  const unit = matrix(N, D);
  for (let i = 0; i < N; i++) {
    let square = 0;
    for (let k = i * D; k < (i + 1) * D; k++) square += rows.data[k] * rows.data[k];
    if (square === 0) {
      throw new KdcError({
        where,
        what: `row ${i} of ${name} is all zeros and has no direction`,
        remedy: "Leave that clip out and count it as left out",
        reason: "zero-vector",
      });
    }
    const scale = 1 / Math.sqrt(square);
    for (let k = i * D; k < (i + 1) * D; k++) unit.data[k] = rows.data[k] * scale;
  }
  return unit;
}
