import { describe, expect, it } from "vitest";
import { dealFrom } from "./deal-from.js";
import { dealSplits } from "./deal-splits.js";

const units = (label: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ name: `${label}/${n}`, label }));

describe("dealSplits", () => {
  it.each([1, 2, 3, 5, 7, 10, 11])("gives %i recordings of each of 30 labels their shares, to one", (count) => {
    const all = Array.from({ length: 30 }, (_, n) => units(`l${n}`, count)).flat();
    const dealt = dealSplits(all, { shares: [0.8, 0.1, 0.1], seed: 3 });
    expect(dealt.size).toBe(30 * count);
    const counts = (name: string, label = "") =>
      [...dealt].filter(([unit, split]) => split === name && unit.startsWith(label)).length;
    for (let n = 0; n < 30; n++) {
      expect(Math.abs(counts("test", `l${n}/`) - 0.1 * count)).toBeLessThanOrEqual(1);
      expect(counts("train", `l${n}/`)).toBeGreaterThan(0);
    }
    // Labels of one recording keep it for training, so that no label is met for the first time in the test.
    if (count > 1) expect(Math.abs(counts("test") - 3 * count)).toBeLessThanOrEqual(1);
  });
});

describe("dealFrom", () => {
  it("reads three shares that add up to 1, and nothing else", () => {
    expect(dealFrom("0.8, 0.1,0.1")).toEqual({ shares: [0.8, 0.1, 0.1], seed: 0 });
    expect(dealFrom("1,0,0@7")).toEqual({ shares: [1, 0, 0], seed: 7 });
    for (const text of ["0.8,0.2", "80,10,10", "0.9,0.2,-0.1", "a,b,c", "0.8,,0.2", "1,0,0@x", "1,0,0@1@2"])
      expect(() => dealFrom(text)).toThrow("such as 0.8,0.1,0.1");
  });
});
