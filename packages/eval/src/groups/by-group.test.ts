import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { byGroup, gapBetween } from "./by-group.js";

const rng = createRng("groups");
const options = { permutations: 500, intervals: { resamples: 100 } };

describe("a figure by group", () => {
  it("has each group's mean, the largest gap and who has it", () => {
    const found = byGroup([1, 1, 0, 0, 1, 0, 0], ["a", "a", "b", "b", "c", "c", "alone"], options);
    expect(found.groups.map(({ group, clips, mean }) => [group, clips, mean])).toEqual([
      ["a", 2, 1],
      ["b", 2, 0],
      ["c", 2, 0.5],
    ]);
    expect([found.gap, found.highest, found.lowest]).toEqual([1, "a", "b"]);
  });

  it("calls a gap of chance chance: p below 0.05 one time in twenty", () => {
    const alarms = Array.from({ length: 200 }, () => {
      const values = Array.from({ length: 40 }, () => rng.normal());
      return byGroup(
        values,
        values.map((_, i) => String(i % 3)),
        { ...options, permutations: 199 },
      ).p < 0.05
        ? 1
        : 0;
    }).reduce<number>((sum, one) => sum + one, 0);
    expect(alarms / 200).toBeGreaterThan(0.01);
    expect(alarms / 200).toBeLessThan(0.1);
  });

  it("tells nothing of a figure that two clips alone have", () => {
    const values = Array.from({ length: 100 }, (_, clip) => (clip === 0 ? 1 : clip === 99 ? 0 : Number.NaN));
    const over = (clips: ArrayLike<number>) => {
      const own = Array.from(clips, (clip) => values[clip]).filter(Number.isFinite);
      return own.reduce((sum, value) => sum + value / own.length, own.length === 0 ? Number.NaN : 0);
    };
    const half = (from: number) => Array.from({ length: 50 }, (_, clip) => from + clip);
    const members = new Map([
      ["a", half(0)],
      ["b", half(50)],
    ]);
    expect(gapBetween(over, members, { permutations: 500, rng })).toMatchObject({ gap: 1, p: 1 });
  });

  it("finds a gap that is there", () => {
    const groups = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? "few" : "many"));
    const values = groups.map((group) => (group === "few" ? 0 : 1.5) + rng.normal());
    expect(byGroup(values, groups, options).p).toBeLessThan(0.01);
  });

  it.each([
    [[1, 2], ["a"], "2 values and 1 groups are not of the same clips"],
    [[1, Number.NaN, 2], ["a", "b", "b"], "clip 1 has the value NaN"],
    [[1, 2, 3], ["a", "a", "b"], "1 groups have 2 clips or more"],
  ])("refuses %j of %j", (values, groups, words) => {
    expect(() => byGroup(values, groups)).toThrow(words);
  });
});
