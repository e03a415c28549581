import {
  add,
  concat,
  div,
  exp,
  matMul,
  mean,
  mul,
  neg,
  relu,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";
import { average } from "../average.js";
import { stopGradient } from "../stop-gradient.js";

/** Kernel widths, as multiples of the mean squared distance within the pooled batch. */
const widths = [0.25, 0.5, 1, 2, 4];

/** Squared distances between the rows of `x [B, D]` and of `y [B', D]`: `[B, B']`. */
function squaredDistances(x: Tensor2D, y: Tensor2D): Tensor2D {
  const lengths = (z: Tensor2D) => sum(square(z), -1, true);
  // Rounding may leave a tiny negative number.
  return relu(sub(add(lengths(x), transpose(lengths(y))), mul(matMul(x, y, false, true), 2)));
}

/**
 * Squared maximum mean discrepancy between two batches of embeddings `[B, D]` (Gretton et al. 2012, biased estimate),
 * with the mean of five Gaussian kernels. Returned as each clip's share `[B]`; their mean is the discrepancy. The
 * kernel widths are taken as constants by the gradient.
 */
export function maximumMeanDiscrepancy(x: Tensor2D, y: Tensor2D): Tensor1D {
  return tidy(() => {
    const all = concat([x, y], 0);
    const scale = stopGradient(add(mean(squaredDistances(all, all)), 1e-6));
    const kernel = (a: Tensor2D, b: Tensor2D) => {
      const distance = div(squaredDistances(a, b), scale);
      return mean(average(widths.map((width) => exp(neg(div(distance, width))))), 1);
    };
    const within = add(kernel(x, x), kernel(y, y));
    return sub(within, add(kernel(x, y), kernel(y, x))) as Tensor1D;
  });
}
