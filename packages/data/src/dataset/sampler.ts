import { KdcError, type Rng } from "@kdc-mae/core";

/**
 * Each of `count` clips once, in an order of the epoch's own. Depends on the stream's seed and the epoch alone.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { shuffledOrder } from "@kdc-mae/data";
 *
 * const order = shuffledOrder(100, 3, createRng(1)); // of epoch 3
 * ```
 */
export function shuffledOrder(count: number, epoch: number, rng: Rng): Int32Array {
  return rng.fork(`epoch-${epoch}`).permutation(count);
}

/**
 * Weights that even out classes: Σ over a clip's labels of 1000 / (clips with that label + 0.01).
 *
 * @param labels of each clip
 */
export function balancedWeights(labels: readonly (readonly string[])[]): Float64Array {
  const counts = new Map<string, number>();
  for (const label of labels.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Float64Array.from(labels, (own) =>
    own.reduce((sum, label) => sum + 1000 / ((counts.get(label) ?? 0) + 0.01), 0),
  );
}

/** As many clips as there are weights, drawn with replacement in proportion to them. Depends on seed and epoch alone. */
export function weightedOrder(weights: Float64Array, epoch: number, rng: Rng): Int32Array {
  let total = 0;
  const upTo = weights.map((weight) => {
    total += weight;
    return total;
  });
  if (!(total > 0 && weights.every((weight) => weight >= 0))) {
    throw new KdcError({
      where: "weightedOrder",
      what: "the weights are not all numbers of 0 or more, with at least one above 0",
      remedy: "Give every clip a weight of 0 or more; a clip without labels weighs 0",
      reason: "option",
    });
  }
  const stream = rng.fork(`epoch-${epoch}`);
  return Int32Array.from(weights, () => firstAbove(upTo, stream.uniform() * total));
}

/** Index of the first of the rising `values` that is above `level`. */
function firstAbove(values: Float64Array, level: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] > level) high = middle;
    else low = middle + 1;
  }
  return low;
}
