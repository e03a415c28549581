import { createRng } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { holdOut } from "./hold-out.js";

const groups = Array.from({ length: 97 }, (_, i) => (i < 90 ? i % 3 : i < 96 ? 7 : 11));

it("parts every kind, keeping a lone clip for training", () => {
  const { kept, held } = holdOut(groups);
  expect([...kept, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: 97 }, (_, i) => i));
  const count = (kind: number) => held.filter((index) => groups[index] === kind).length;
  expect([0, 1, 2, 7, 11].map(count)).toEqual([6, 6, 6, 1, 0]);
});

it("is drawn by seed", () => {
  expect(holdOut(groups, 0.3, createRng(1))).toEqual(holdOut(groups, 0.3, createRng(1)));
  expect(holdOut(groups, 0.3, createRng(1))).not.toEqual(holdOut(groups, 0.3, createRng(2)));
});
