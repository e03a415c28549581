import { describe, expect, it } from "vitest";
import { holm, pairedDifference, type SeedValue } from "./paired-difference.js";

const run = (seed: number, ...scores: number[]): SeedValue => ({
  seed,
  value: scores.reduce((a, b) => a + b) / scores.length,
  clips: Object.fromEntries(scores.map((score, clip) => [`clip-${clip}`, score])),
});

describe("pairedDifference", () => {
  it("pairs seeds and clips, counted by hand", () => {
    // Averaged over the two seeds the clips differ by 1, 0.5, 0: eight sign flips, of which 4 are as far as 1.5.
    const difference = pairedDifference([run(5, 1, 1, 0), run(2, 1, 0, 1)], [run(2, 0, 0, 1), run(5, 0, 0, 0)]);
    expect(difference?.overClips).toMatchObject({ mean: 0.5, p: 0.5, n: 3, seeds: 2 });
    // By seed: 2/3 for seed 5 and 1/3 for seed 2: mean 1/2, s = √(1/18), ± 12.7062·s/√2 = 2.11770.
    expect(difference?.overSeeds.mean).toBeCloseTo(0.5, 12);
    expect(difference?.overSeeds.half).toBeCloseTo(2.1177, 4);
    expect(difference?.overSeeds).toMatchObject({ n: 2, p: 0.5, smallestP: 0.5 });
  });

  it("finds many clips' difference significant where three seeds cannot", () => {
    const better = [0, 1, 2].map((seed) => run(seed, ...Array.from({ length: 41 }, (_, i) => (i % 3 === 0 ? 0 : 1))));
    const worse = [0, 1, 2].map((seed) => run(seed, ...Array.from({ length: 41 }, (_, i) => (i % 3 === 1 ? 1 : 0))));
    const difference = pairedDifference(better, worse);
    expect(difference?.overSeeds.p).toBe(0.25);
    expect(difference?.overSeeds.smallestP).toBe(0.25);
    expect(difference?.overClips?.p).toBeLessThan(0.001);
    expect(difference?.overClips?.interval.low).toBeGreaterThan(0);
  });

  it("takes only shared seeds and clips that every run scored", () => {
    const shorter = { seed: 1, value: 0.5, clips: { "clip-1": 0.5 } };
    const difference = pairedDifference([run(1, 1, 1), run(2, 1, 1)], [shorter, run(3, 0, 0)]);
    expect(difference).toMatchObject({ overSeeds: { n: 1, mean: 0.5, half: null }, overClips: { n: 1, mean: 0.5 } });
    expect(pairedDifference([run(1, 1)], [run(2, 1)])).toBeUndefined();
    expect(pairedDifference([run(1, 1)], [{ seed: 1, value: 0 }])?.overClips).toBeNull();
  });
});

describe("holm", () => {
  it("is the textbook step-down: 0.01, 0.04, 0.03 of three become 0.03, 0.06, 0.06", () => {
    const adjusted = holm([0.01, 0.04, 0.03]);
    for (const [index, value] of [0.03, 0.06, 0.06].entries()) expect(adjusted[index]).toBeCloseTo(value, 12);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
  });
});
