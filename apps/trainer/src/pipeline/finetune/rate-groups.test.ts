import { createRng, type FloatTensor, treeLeaves } from "@kdc-mae/core";
import { initClassifier, presets } from "@kdc-mae/model";
import { expect, it } from "vitest";
import { rateGroups } from "./rate-groups.js";

const depths = { modalityDepth: 3, jointDepth: 2 };
const leaves = treeLeaves<FloatTensor>(initClassifier({ ...presets.tiny, ...depths, registers: 2 }, 3, createRng(0)));

/** The multiple that the first fitting group gives each path, as the optimizer chooses it. */
const multiples = (layerDecay?: number): ReadonlyMap<string, number> => {
  const groups = rateGroups(depths, { headRate: 10, layerDecay });
  return new Map(leaves.map(([path]) => [path, groups.find(({ paths }) => paths.test(path))?.rate ?? 1]));
};

it("each layer learns at a share of the next one's rate, embeddings least, the head at its own", () => {
  const of = (part: RegExp) => new Set([...multiples(0.5)].flatMap(([path, rate]) => (part.test(path) ? [rate] : [])));
  expect(of(/^head/)).toEqual(new Set([10]));
  expect(of(/^encoder\.joint\.norms/)).toEqual(new Set([1]));
  expect(of(/^encoder\.joint\.blocks\.1\./)).toEqual(new Set([0.5]));
  expect(of(/^encoder\.joint\.blocks\.0\./)).toEqual(new Set([0.25]));
  expect(of(/^encoder\.registers$/)).toEqual(new Set([0.015625]));
  for (const modality of ["audio", "visual"]) {
    const rates = [2, 1, 0].map((at) => of(new RegExp(`^encoder\\.${modality}\\.blocks\\.${at}\\.`)));
    expect(rates).toEqual([new Set([0.125]), new Set([0.0625]), new Set([0.03125])]);
    expect(of(new RegExp(`^encoder\\.${modality}\\.(patch|modality)`))).toEqual(new Set([0.015625]));
  }
});

it("without it the encoder learns at one rate", () => {
  for (const [path, rate] of multiples()) expect(rate).toBe(path.startsWith("head.") ? 10 : 1);
});
