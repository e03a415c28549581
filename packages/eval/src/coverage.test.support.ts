import { createRng, type Rng } from "@kdc-mae/core";
import { expect } from "vitest";
import type { Interval } from "./bootstrap.js";

type Measured = Readonly<Record<string, { readonly value: number; readonly interval: Interval }>>;

/** Shares of made sets whose intervals hold the truth, by figure. */
export async function coverage(
  sets: number,
  truth: Readonly<Record<string, number>>,
  measure: (rng: Rng) => Measured | Promise<Measured>,
) {
  const held: Record<string, number> = Object.fromEntries(Object.keys(truth).map((name) => [name, 0]));
  for (let set = 0; set < sets; set++) {
    const made = await measure(createRng(`set ${set}`));
    for (const name of Object.keys(truth)) {
      const { low, high } = made[name].interval;
      if (low <= truth[name] && truth[name] <= high) held[name] += 1 / sets;
    }
  }
  return held;
}

/** The mean of each figure over sets of the same size. */
export async function meanOver(sets: number, measure: (rng: Rng) => Measured | Promise<Measured>) {
  const means: Record<string, number> = {};
  for (let set = 0; set < sets; set++) {
    for (const [name, { value }] of Object.entries(await measure(createRng(`truth ${set}`)))) {
      means[name] = (means[name] ?? 0) + value / sets;
    }
  }
  return means;
}

export function expectCovered(held: Readonly<Record<string, number>>) {
  const outside = Object.entries(held).filter(([, share]) => share < 0.93 || share > 0.97);
  expect(outside, JSON.stringify(held)).toEqual([]);
}

/** How sets draw their intervals: few resamples, of a stream of their own. */
export const intervals = (rng: Rng) => ({ resamples: 300, rng: rng.fork("bootstrap") });
/** For figures whose intervals are not looked at. */
export const once = { resamples: 1 };
