import { expectShape, KdcError } from "@kdc-mae/core";

/** Rows of float32 numbers, row-major, shape `[N, D]`. Every rank-2 `FloatTensor` of core is one, and so is a plain record. */
export type Matrix = { readonly shape: readonly number[]; readonly data: Float32Array };

/**
 * A matrix of `rows` × `columns`; zeros unless data is given.
 *
 * @throws KdcError (`length`) where the data are no Float32Array of rows · columns numbers
 *
 * @example
 * ```ts
 * import { matrix } from "@kdc-mae/eval";
 *
 * const rows = matrix(2, 3, Float32Array.of(1, 0, 0, 0, 1, 0)); // [2, 3]
 * ```
 */
export function matrix(
  rows: number,
  columns: number,
  data: Float32Array = new Float32Array(rows * columns),
): { readonly shape: readonly [number, number]; readonly data: Float32Array } {
  if (!(data instanceof Float32Array && data.length === rows * columns)) {
    throw new KdcError({
      where: "matrix",
      what: `${rows} × ${columns} numbers are not what the data hold`,
      remedy: "Pass the whole matrix: Float32Array.from(rows.flat())",
      reason: "length",
    });
  }
  return { shape: [rows, columns], data };
}

/**
 * Checks shape, length and that every number is finite, and returns the sizes by letter.
 *
 * @param pattern as in core's `expectShape`, such as `"N D"`
 * @throws KdcError (`shape`, `length`, `not-finite`) naming the first bad row
 */
export function expectMatrix(
  where: string,
  name: string,
  value: Matrix,
  pattern: string,
  known: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const sizes = expectShape(where, name, value, pattern, known);
  const [rows, columns] = value.shape;
  if (value.data.length !== rows * columns) {
    throw new KdcError({
      where,
      what: `${name} holds ${value.data.length} numbers, its shape [${rows}, ${columns}] says ${rows * columns}`,
      remedy: "Pass the whole matrix, row by row",
      reason: "length",
    });
  }
  const bad = value.data.findIndex((number) => !Number.isFinite(number));
  if (bad >= 0) {
    throw new KdcError({
      where,
      what: `${name} has ${value.data[bad]} in row ${Math.floor(bad / columns)}, column ${bad % columns}`,
      remedy: "Look for a diverged checkpoint or an empty clip; leave the row out and count it as left out",
      reason: "not-finite",
    });
  }
  return sizes;
}

/**
 * The named rows, in that order, as a new matrix.
 *
 * @example
 * ```ts
 * import { matrix, takeRows } from "@kdc-mae/eval";
 *
 * takeRows(matrix(3, 2, Float32Array.of(0, 1, 2, 3, 4, 5)), [2, 0]); // [2, 2]: 4, 5, 0, 1
 * ```
 */
export function takeRows(source: Matrix, rows: ArrayLike<number>): Matrix {
  const columns = source.shape[1];
  const taken = matrix(rows.length, columns);
  for (let i = 0; i < rows.length; i++) {
    taken.data.set(source.data.subarray(rows[i] * columns, (rows[i] + 1) * columns), i * columns);
  }
  return taken;
}

/** Columns become rows. */
export function transpose(source: Matrix): Matrix {
  const [rows, columns] = source.shape;
  const turned = matrix(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned.data[j * rows + i] = source.data[i * columns + j];
  }
  return turned;
}
