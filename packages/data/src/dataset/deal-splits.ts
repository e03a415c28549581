import { createHash } from "node:crypto";
import type { DealSplits } from "./deal-from.js";
import type { Split } from "./split-names.js";

const splits = ["train", "validation", "test"] as const;

/** What is dealt as one: the clips of one recording never part. `label` is the first of its first clip. */
export type DealtUnit = { readonly name: string; readonly label: string };

/**
 * Deals recordings to splits, label by label: of every label each split gets its share, to one recording, and of all
 * together too. Which recordings go where follows from the seed and their names alone, whatever their order. A label's
 * only recording is for training.
 *
 * @returns the split of each unit's name
 */
export function dealSplits(units: Iterable<DealtUnit>, { shares, seed }: DealSplits): ReadonlyMap<string, Split> {
  const groups = new Map<string, string[]>();
  for (const { name, label } of units) {
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [name]);
    else group.push(name);
  }
  const dealt = new Map<string, Split>();
  // What each split is still owed from the labels before, so that small labels add up to the shares.
  const owed = [0, 0, 0];
  for (const [, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const drawn = group.map((name) => [drawOf(seed, name), name] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    const counts = countsOf(group.length, shares, owed);
    const upTo = [counts[0], counts[0] + counts[1]];
    for (const [at, [, name]] of drawn.entries()) dealt.set(name, splits[at < upTo[0] ? 0 : at < upTo[1] ? 1 : 2]);
  }
  return dealt;
}

/** How many of a label's recordings each split gets: its share rounded down, the rest to whom most is owed. */
function countsOf(count: number, shares: DealSplits["shares"], owed: number[]): readonly number[] {
  const counts = shares.map((share) => Math.floor(share * count + 1e-9));
  for (const index of [0, 1, 2]) owed[index] += shares[index] * count - counts[index];
  const order = [0, 1, 2].sort((a, b) => owed[b] - owed[a]);
  if (counts[0] === 0 && shares[0] > 0) order.unshift(...order.splice(order.indexOf(0), 1));
  const left = count - counts.reduce((sum, one) => sum + one, 0);
  for (const index of order.slice(0, left)) {
    counts[index]++;
    owed[index]--;
  }
  return counts;
}

const drawOf = (seed: number, name: string): string =>
  createHash("sha256").update(`${seed}\n${name}`).digest("hex").slice(0, 16);
