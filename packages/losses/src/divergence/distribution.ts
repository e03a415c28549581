import { abs, add, div, min, softmax, sum, type Tensor2D, tidy } from "@tensorflow/tfjs-core";

/** Turns pooled embeddings `[B, D]` into one distribution over the channels per clip: `[B, D]`, rows sum to 1. */
export type Distribution = (embedding: Tensor2D) => Tensor2D;

/**
 * As published: add |minimum over the whole batch and all channels|, divide by the row's sum. Values are assumed to
 * have a negative minimum, as normed tokens have; then it becomes 0.
 */
export const shiftAndSum: Distribution = (embedding) =>
  tidy(() => {
    const shifted = add(embedding, abs(min(embedding)));
    return div(shifted, sum(shifted, -1, true)) as Tensor2D;
  });

/** Softmax of the channels over a temperature (Hinton et al. 2015). */
export const softmaxDistribution =
  (temperature: number): Distribution =>
  (embedding) =>
    tidy(() => softmax(div(embedding, temperature)) as Tensor2D);
