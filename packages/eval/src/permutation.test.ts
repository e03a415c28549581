import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { pairedPermutation } from "./permutation.js";

describe("pairedPermutation", () => {
  it("tries every flip of a few pairs: three seeds all better give p = 2/8", () => {
    const test = pairedPermutation([0.7, 0.8, 0.9], [0.5, 0.7, 0.6]);
    expect(test.p).toBe(0.25);
    expect(test.exact).toBe(true);
    expect(test.permutations).toBe(8);
    expect(test.difference).toBeCloseTo(0.2, 12);
  });

  it("counts by hand for unequal differences 1, 2, -1.5", () => {
    // |sums| over the eight flips: 4.5, 2.5, 0.5, 1.5 and each again; observed 1.5.
    expect(pairedPermutation([1, 2, -1.5], [0, 0, 0]).p).toBe(0.75);
  });

  it("gives 1 for equal arms and is seeded beyond sixteen pairs", () => {
    const rng = createRng("pairs");
    const first = Float64Array.from({ length: 61 }, () => rng.normal());
    const second = first.map((value) => value - 0.05 + 0.4 * rng.normal());
    expect(pairedPermutation(first, first).p).toBe(1);
    const once = pairedPermutation(first, second, { permutations: 997 });
    expect(once).toEqual(pairedPermutation(first, second, { permutations: 997 }));
    expect(once.exact).toBe(false);
    const far = pairedPermutation(
      first.map((value) => value + 1),
      first,
    );
    expect(far.p).toBe(1 / 10001);
  });

  it("refuses unequal lengths with words", () => {
    expect(() => pairedPermutation([1, 2], [1])).toThrow("2 and 1 values do not make pairs of finite numbers");
  });
});
