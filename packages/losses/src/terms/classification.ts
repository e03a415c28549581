import { expectShape, KdcError } from "@kdc-mae/core";
import {
  add,
  logSoftmax,
  mean,
  mul,
  neg,
  type Scalar,
  softplus,
  sub,
  sum,
  type Tensor2D,
  tidy,
} from "@tensorflow/tfjs-core";

/**
 * Cross-entropy for one label per clip, mean over the batch.
 *
 * @param logits `[B, C]`
 * @param targets `[B, C]`, rows that sum to 1: one-hot, or soft from mixing
 * @param options.labelSmoothing ε: targets become (1 − ε) · targets + ε / C (Szegedy et al. 2016). Default 0; leave it
 * so for targets that are smoothed already
 * @throws KdcError if shapes differ or ε is not in [0, 1)
 *
 * @example
 * ```ts
 * import { crossEntropy } from "@kdc-mae/losses";
 * import { tensor2d } from "@tensorflow/tfjs";
 *
 * const loss = crossEntropy(tensor2d([[2, 0]]), tensor2d([[1, 0]]));
 * ```
 */
export function crossEntropy(
  logits: Tensor2D,
  targets: Tensor2D,
  options: { readonly labelSmoothing?: number } = {},
): Scalar {
  const { labelSmoothing = 0 } = options;
  const { B, C } = expectShape("crossEntropy", "logits", logits, "B C");
  expectShape("crossEntropy", "targets", targets, "B C", { B, C });
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new KdcError({
      where: "crossEntropy",
      what: `label smoothing is ${labelSmoothing}`,
      remedy: "Use a number from 0 up to, not including, 1",
      reason: "option",
    });
  }
  // tf.losses.softmaxCrossEntropy has a wrong gradient for its labels.
  return tidy(() => {
    const smoothed = add(mul(targets, 1 - labelSmoothing), labelSmoothing / C);
    return neg(mean(sum(mul(smoothed, logSoftmax(logits)), -1))) as Scalar;
  });
}

/**
 * Binary cross-entropy for any number of labels per clip, mean over clips and classes.
 *
 * @param logits `[B, C]`
 * @param targets `[B, C]` in 0 … 1
 * @throws KdcError if shapes differ
 *
 * @example
 * ```ts
 * import { binaryCrossEntropy } from "@kdc-mae/losses";
 * import { tensor2d } from "@tensorflow/tfjs";
 *
 * const loss = binaryCrossEntropy(tensor2d([[2, -1]]), tensor2d([[1, 0]]));
 * ```
 */
export function binaryCrossEntropy(logits: Tensor2D, targets: Tensor2D): Scalar {
  const { B, C } = expectShape("binaryCrossEntropy", "logits", logits, "B C");
  expectShape("binaryCrossEntropy", "targets", targets, "B C", { B, C });
  return tidy(() => mean(sub(softplus(logits), mul(logits, targets))) as Scalar);
}
