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
  expect(holdOut(groups, { share: 0.3, rng: createRng(1) })).toEqual(
    holdOut(groups, { share: 0.3, rng: createRng(1) }),
  );
  expect(holdOut(groups, { share: 0.3, rng: createRng(1) })).not.toEqual(
    holdOut(groups, { share: 0.3, rng: createRng(2) }),
  );
});

it("sets whole recordings aside, and never all clips of a kind", () => {
  // Ten recordings of 1 to 4 clips of kind 0, five of kind 1, one of kind 2 and one of it with the only clip of kind 3.
  const sizes = [1, 4, 2, 3, 1, 4, 2, 3, 1, 4, 2, 2, 2, 2, 2];
  const kinds = sizes.flatMap((size, at) => new Array<number>(size).fill(at < 10 ? 0 : 1));
  const recordings = sizes.flatMap((size, at) => new Array<number>(size).fill(100 + at));
  const { held, kept } = holdOut([...kinds, 2, 3, 2, 2], {
    ...{ rng: createRng(4), recordings: [...recordings, 7, 7, 8, 8] },
  });
  const of = (places: Int32Array) => new Set(Array.from(places, (place) => [...recordings, 7, 7, 8, 8][place]));
  expect([...of(held)].filter((recording) => of(kept).has(recording))).toEqual([]);
  const [some, others] = [[...of(held)].filter((one) => one >= 100), [...of(held)].filter((one) => one < 100)];
  expect([some.filter((one) => one < 110).length, some.filter((one) => one >= 110).length]).toEqual([2, 1]);
  expect(others).toEqual([]);
  // Ten recordings of kinds 0 and 1, and one of them has the only clip of kind 3.
  const mixed = Array.from({ length: 20 }, (_, clip) => (clip === 7 ? 3 : clip % 2));
  for (const seed of [1, 2, 3, 4, 5]) {
    const { held: two } = holdOut(mixed, {
      rng: createRng(seed),
      recordings: Array.from(mixed, (_, clip) => clip >> 1),
    });
    expect([two.length, two[0] >> 1 === two[1] >> 1, two[2] >> 1 === two[3] >> 1]).toEqual([4, true, true]);
    expect(two.includes(7)).toBe(false);
  }
  expect(() => holdOut([0, 0, 1], { recordings: [1, 1] })).toThrow("there are 3 clips, and recordings of 2");
});
