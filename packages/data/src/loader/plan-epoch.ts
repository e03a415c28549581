import { createRng, KdcError } from "@kdc-mae/core";
import { weightedOrder } from "../dataset/sampler.js";

/** How an epoch's order is drawn. */
export type EpochPlan = {
  /** Which samples take part: numbers of samples in each shard, counted over the whole set. */
  readonly shards: readonly Int32Array[];
  readonly seed: number | string;
  readonly epoch: number;
  /** Samples among which the next one is drawn; 0 keeps the order of the shards. */
  readonly buffer: number;
  /** Shards that are read side by side. */
  readonly mix: number;
  /** This machine's number, and how many machines share an epoch. */
  readonly rank: number;
  readonly ranks: number;
  /** Leave out what does not fill a batch on every machine. */
  readonly even: boolean;
  /** Draw samples in proportion to these (by sample number) instead of each once. */
  readonly weights?: Float64Array;
};

/**
 * The samples of one machine in the order in which they are used, from the indices alone: no data is read, so any
 * point of an epoch can be gone to at once. Shards are shuffled, `mix` of them are read by turns, the sequence is cut
 * into one stretch per machine, and each draws the next sample from a buffer of the following ones. A sample thus lies
 * at most `buffer` samples from its place in the shards, which is what lets a remote set be read as streams.
 *
 * @returns numbers of samples
 */
export function planEpoch(plan: EpochPlan): Int32Array {
  const { rank, ranks, even, buffer } = plan;
  if (!(Number.isInteger(rank) && Number.isInteger(ranks) && rank >= 0 && rank < ranks)) {
    throw new KdcError({
      where: "planEpoch",
      what: `there is no machine ${rank} of ${ranks}`,
      remedy: "Number the machines from 0",
      reason: "option",
    });
  }
  const stream = createRng(plan.seed).fork("order").fork(plan.epoch);
  const sequence = sequenceOf(plan, stream);
  const [from, until] = even
    ? [rank, rank + 1].map((place) => place * Math.floor(sequence.length / ranks))
    : [rank, rank + 1].map((place) => Math.floor((place * sequence.length) / ranks));
  const own = sequence.subarray(from, until);
  if (buffer === 0) return own;
  const draw = stream.fork("buffer").fork(rank);
  const held = own.slice(0, buffer);
  return Int32Array.from(own, (_, at) => {
    const left = Math.min(held.length, own.length - at);
    const pick = draw.integer(left);
    const chosen = held[pick];
    held[pick] = at + held.length < own.length ? own[at + held.length] : held[left - 1];
    return chosen;
  });
}

function sequenceOf(
  { shards, weights, buffer, mix, epoch }: EpochPlan,
  stream: ReturnType<typeof createRng>,
): Int32Array {
  const order = buffer === 0 ? shards.map((_, index) => index) : [...stream.fork("shards").permutation(shards.length)];
  const times = weights && countDraws(weights, epoch, stream);
  const sequence: number[] = [];
  const push = (sample: number) => {
    for (let left = times ? times[sample] : 1; left > 0; left--) sequence.push(sample);
  };
  const width = buffer === 0 ? 1 : Math.max(1, mix);
  for (let first = 0; first < order.length; first += width) {
    const group = order.slice(first, first + width).map((shard) => shards[shard]);
    const longest = Math.max(...group.map((samples) => samples.length));
    for (let row = 0; row < longest; row++) {
      for (const samples of group) if (row < samples.length) push(samples[row]);
    }
  }
  return Int32Array.from(sequence);
}

/** How often each sample is drawn in an epoch of as many draws as there are samples. */
function countDraws(weights: Float64Array, epoch: number, stream: ReturnType<typeof createRng>): Int32Array {
  const times = new Int32Array(weights.length);
  const taking = weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
  for (const sample of weightedOrder(weights, epoch, stream.fork("balance")).subarray(0, taking)) times[sample]++;
  return times;
}
