import { describe, expect, it } from "vitest";
import { type EpochPlan, planEpoch } from "./plan-epoch.js";

const sizes = [7, 3, 11, 1, 13, 5];
const count = 40;
let first = 0;
const shards = sizes.map((size) => {
  first += size;
  return Int32Array.from({ length: size }, (_, index) => first - size + index);
});
const plan = (more: Partial<EpochPlan> = {}) =>
  planEpoch({ shards, seed: 3, epoch: 0, buffer: 8, mix: 2, rank: 0, ranks: 1, even: true, ...more });
const sorted = (order: Iterable<number>) => [...order].sort((a, b) => a - b);
const everything = Array.from({ length: count }, (_, index) => index);

describe("planEpoch", () => {
  it.each([1, 8, 1000])("takes every sample exactly once with a buffer of %i", (buffer) => {
    expect(sorted(plan({ buffer }))).toEqual(everything);
  });

  it("keeps the order of the shards with a buffer of 0", () => {
    expect([...plan({ buffer: 0 })]).toEqual(everything);
  });

  it("depends on seed and epoch, and on nothing else", () => {
    expect(plan()).toEqual(plan());
    expect(plan()).not.toEqual(plan({ epoch: 1 }));
    expect(plan()).not.toEqual(plan({ seed: 4 }));
    expect(plan()).not.toEqual(plan({ buffer: 0 }));
  });

  it("brings no sample forward by more than the buffer holds", () => {
    const plain = [...plan({ buffer: 1 })];
    for (const [at, sample] of plan({ buffer: 8 }).entries()) expect(plain.indexOf(sample) - at).toBeLessThan(8);
  });

  it("shares an epoch out evenly, or wholly", () => {
    const even = [0, 1, 2].map((rank) => plan({ rank, ranks: 3 }));
    expect(even.map((own) => own.length)).toEqual([13, 13, 13]);
    expect(new Set(even.flatMap((own) => [...own])).size).toBe(39);
    const whole = [0, 1, 2].flatMap((rank) => [...plan({ rank, ranks: 3, even: false })]);
    expect(sorted(whole)).toEqual(everything);
  });

  it("draws in proportion to weights, as often as there are samples that take part", () => {
    const weights = Float64Array.from(everything, (sample) => (sample < 7 ? 0 : sample < 10 ? 8 : 1));
    const counts = new Float64Array(count);
    for (let epoch = 0; epoch < 300; epoch++) {
      const order = plan({ epoch, weights });
      expect(order.length).toBe(33);
      for (const sample of order) counts[sample]++;
    }
    expect(Math.max(...counts.subarray(0, 7))).toBe(0);
    const share = (from: number, until: number) => counts.subarray(from, until).reduce((a, b) => a + b, 0) / (300 * 33);
    expect(Math.abs(share(7, 10) - 24 / 54)).toBeLessThan(0.02);
  });

  it("refuses a machine that is not there", () => {
    expect(() => plan({ rank: 3, ranks: 3 })).toThrow("there is no machine 3 of 3. Number the machines from 0");
  });
});
