/** Clips from the highest score to the lowest, with equal scores in one group. */
export type Ranked = {
  readonly order: Int32Array;
  /** Where each group of equal scores ends in `order` (exclusive). */
  readonly groupEnds: Int32Array;
  /** 1 for a positive clip, else 0, by clip. */
  readonly positive: Uint8Array;
};

/** Sorts once, so that average precision and AUC of many resamples need no further sorting. */
export function rank(scores: ArrayLike<number>, targets: ArrayLike<number>): Ranked {
  const clips = scores.length;
  const order = Int32Array.from({ length: clips }, (_, index) => index).sort((a, b) => scores[b] - scores[a]);
  const ends: number[] = [];
  for (let place = 0; place < clips; place++) {
    if (place === clips - 1 || scores[order[place]] !== scores[order[place + 1]]) ends.push(place + 1);
  }
  return {
    order,
    groupEnds: Int32Array.from(ends),
    positive: Uint8Array.from({ length: clips }, (_, index) => (targets[index] > 0 ? 1 : 0)),
  };
}

/** Positives and negatives in each group of equal scores, each clip counted `counts[i]` times (once by default). */
export function groupTallies(
  { order, groupEnds, positive }: Ranked,
  counts?: Int32Array,
): { readonly positives: Float64Array; readonly negatives: Float64Array; readonly groups: number } {
  const positives = new Float64Array(groupEnds.length);
  const negatives = new Float64Array(groupEnds.length);
  let place = 0;
  for (let group = 0; group < groupEnds.length; group++) {
    for (; place < groupEnds[group]; place++) {
      const clip = order[place];
      const times = counts === undefined ? 1 : counts[clip];
      if (positive[clip] === 1) positives[group] += times;
      else negatives[group] += times;
    }
  }
  return { positives, negatives, groups: groupEnds.length };
}
