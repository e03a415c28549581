import { add, div, sqrt, square, sum, type Tensor } from "@tensorflow/tfjs-core";

/** Rows `[…, D]` scaled to length one; a row of zeros stays zeros. */
export const unitLength = <T extends Tensor>(rows: T): T =>
  // Under the root the term is 0 in effect, and keeps the gradient finite for a row of zeros.
  div<T>(rows, sqrt(add(sum(square(rows), -1, true), 1e-24)));
