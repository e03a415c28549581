import { type FloatTensor, KdcError, type Tree, treeLeaves } from "@kdc-mae/core";
import { createExactKernel } from "./exact-kernel.js";
import { noPeers, type Peers } from "./peers.js";
import { blend } from "./update.js";

/** Gradients, as a tree like the parameters. */
type Weights = Tree<FloatTensor>;

/** What a process adds to a sum, and with which weight; made anew each time it is asked for. */
export type Addend = { readonly weight: number; readonly make: (slot: 0 | 1) => Promise<Weights> };

/**
 * The sum of gradients over all processes, a tree like each of them; every process adds at least one. Results of `make`
 * are changed, and one slot's may be made into the same arrays again.
 *
 * @param direct gradients to some of the parameters, by path, added once more; what the first process gives counts
 */
export type GradientSum = (
  addends: readonly Addend[],
  direct?: Readonly<Record<string, FloatTensor>>,
) => Promise<Weights>;

/** Numbers that travel at a time (16 MB of float32). */
const BUCKET = 4 * 2 ** 20;
/** An array of as many numbers travels as it lies; smaller ones are packed together first. */
const LARGE = 2 ** 18;

const arraysOf = (tree: Weights): Float32Array[] => treeLeaves(tree).map(([, { data }]) => data);

const lengthOf = (arrays: readonly Float32Array[]): number => arrays.reduce((sum, { length }) => sum + length, 0);

/** Arrays with where each begins, as if they lay one after another. */
function placesOf(arrays: readonly Float32Array[]): (readonly [from: number, data: Float32Array])[] {
  let at = 0;
  return arrays.map((data) => {
    at += data.length;
    return [at - data.length, data] as const;
  });
}

/** The larger of two; infinite where one is no number, since the largest of several would forget it. */
const larger = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b);

/** Copies arrays, as if they lay one after another, to or from a bucket of the whole. */
function exchange(arrays: readonly Float32Array[], bucket: Float32Array, from: number, way: "out" | "in"): void {
  for (const [at, array] of placesOf(arrays)) {
    const [start, end] = [Math.max(at, from), Math.min(at + array.length, from + bucket.length)];
    if (start >= end) continue;
    const [here, there] = [array.subarray(start - at, end - at), bucket.subarray(start - from, end - from)];
    if (way === "out") there.set(here);
    else here.set(there);
  }
}

/** Adds up in float32: fast, and by as much as float32 rounds a matter of who adds what first. */
export function floatSum(peers: Peers = noPeers): GradientSum {
  let space = new Float32Array();
  return async (addends, direct = {}) => {
    let sum: Weights | undefined;
    for (const { weight, make } of addends) {
      if (sum === undefined) {
        sum = await make(0);
        if (weight !== 1) blend(sum, sum, 0, weight);
      } else blend(sum, await make(1), 1, weight);
    }
    if (sum === undefined) throw new Error("a step adds up at least one gradient");
    if (peers.rank === 0) {
      for (const [path, leaf] of treeLeaves(sum)) {
        if (direct[path] !== undefined) blend(leaf, direct[path], 1, 1);
      }
    }
    if (peers.size === 1) return sum;
    const arrays = arraysOf(sum);
    const small = arrays.filter(({ length }) => length < LARGE);
    const length = lengthOf(small);
    if (space.length < Math.min(length, BUCKET)) space = new Float32Array(Math.min(length, BUCKET));
    for (let from = 0; from < length; from += BUCKET) {
      const bucket = space.subarray(0, Math.min(BUCKET, length - from));
      exchange(small, bucket, from, "out");
      await peers.allreduce(bucket, "sum");
      exchange(small, bucket, from, "in");
    }
    for (const array of arrays.filter((one) => one.length >= LARGE)) {
      for (let from = 0; from < array.length; from += BUCKET) {
        await peers.allreduce(array.subarray(from, from + BUCKET), "sum");
      }
    }
    return sum;
  };
}

/**
 * Binary digits after the point that are summed, the most first; fewer where a gradient is too large for them. The
 * first keep 6e-14, a millionth of the 1e-8 that Adam adds to a gradient's size.
 */
const DIGITS = [44, 30, 16, 2] as const;
/** What a sum may come to, so that no addition on the way to it overflows 64 bits. */
const ROOM = 2 ** 62;

/**
 * Adds up as whole numbers of 64 bits, every gradient times one power of two: the same bits whatever the order, and
 * however the addends are dealt out among processes. Costs twice the traffic and memory of the gradients.
 */
export function exactSum(peers: Peers = noPeers): GradientSum {
  const kernel = createExactKernel();
  let sums = new BigInt64Array();
  /** Adds to the sums of some of the leaves, and gives the largest number seen. */
  const add = (leaves: readonly (readonly [from: number, data: Float32Array])[], factor: number): number =>
    leaves.reduce(
      (largest, [from, data]) => kernel.add(sums.subarray(from, from + data.length), data, factor, largest),
      0,
    );
  return async (addends, direct = {}) => {
    for (const digits of DIGITS) {
      let [tree, largest]: [Weights, number] = [[], 0];
      for (const [index, { weight, make }] of addends.entries()) {
        tree = await make(0);
        const places = placesOf(arraysOf(tree));
        if (index === 0) {
          const length = lengthOf(arraysOf(tree));
          if (sums.length === length) sums.fill(0n);
          else sums = new BigInt64Array(length);
        }
        largest = larger(largest, weight * add(places, weight * 2 ** digits));
        if (index > 0 || peers.rank > 0) continue;
        const more = treeLeaves(tree).flatMap(([path], leaf) =>
          direct[path] === undefined ? [] : [[places[leaf][0], direct[path].data] as const],
        );
        largest = larger(largest, add(more, 2 ** digits));
      }
      // The largest of all, and how many at most are added at one place: neither depends on who has which.
      const [most, count] = [Float64Array.of(largest), Float64Array.of(addends.length)];
      await peers.allreduce(most, "max");
      await peers.allreduce(count, "sum");
      if (most[0] < Number.POSITIVE_INFINITY && most[0] * (count[0] + 1) * 2 ** digits >= ROOM) continue;
      if (most[0] === Number.POSITIVE_INFINITY) {
        for (const array of arraysOf(tree)) array.fill(Number.NaN);
        return tree;
      }
      for (let from = 0; peers.size > 1 && from < sums.length; from += BUCKET / 2) {
        await peers.allreduce(sums.subarray(from, Math.min(sums.length, from + BUCKET / 2)), "sum");
      }
      for (const [from, data] of placesOf(arraysOf(tree))) {
        kernel.read(sums.subarray(from, from + data.length), data, 2 ** -digits);
      }
      return tree;
    }
    throw new KdcError({
      where: "train step",
      what: "a gradient is beyond 2⁵⁰, too large to be added up exactly",
      remedy: "Lower the learning rate, and go on from the last checkpoint",
      reason: "loss-not-finite",
    });
  };
}
