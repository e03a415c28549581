import { createRng } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { choosePerClass } from "./per-class.js";

const labels = Array.from({ length: 43 }, (_, index) => (index < 40 ? `kind ${index % 4}` : "rare"));

it("takes five clips of every class, and names the classes that have fewer", () => {
  const { chosen, short } = choosePerClass(labels);
  const counts = new Map<string, number>();
  for (const index of chosen) counts.set(labels[index], (counts.get(labels[index]) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({ "kind 0": 5, "kind 1": 5, "kind 2": 5, "kind 3": 5, rare: 3 });
  expect(short).toEqual({ rare: 3 });
  expect(new Set(chosen).size).toBe(23);
});

it("is drawn by seed", () => {
  const of = (seed: number) => choosePerClass(labels, 3, createRng(seed)).chosen;
  expect(of(1)).toEqual(of(1));
  expect(of(1)).not.toEqual(of(2));
});
