import { describe, expect, it } from "vitest";
import { studentQuantile, tInterval } from "./t-interval.js";

describe("studentQuantile", () => {
  // The two-sided 95 % column of the t table, and one of 99 %.
  it.each([
    [1, 0.95, 12.7062],
    [2, 0.95, 4.30265],
    [3, 0.95, 3.18245],
    [4, 0.95, 2.77645],
    [9, 0.95, 2.26216],
    [30, 0.95, 2.04227],
    [7, 0.99, 3.49948],
  ])("for %i degrees of freedom and level %f is %f", (freedom, level, table) => {
    expect(studentQuantile(freedom, level)).toBeCloseTo(table, 4);
  });
});

describe("tInterval", () => {
  it("is mean ± t·s/√n, counted by hand for 1, 2, 6", () => {
    // mean 3, s² = (4 + 1 + 9)/2 = 7, s/√3 = 1.527525, times 4.302653.
    const { mean, half } = tInterval([1, 2, 6]);
    expect(mean).toBe(3);
    expect(half).toBeCloseTo(6.57241, 4);
  });

  it("has no width for a single value or values all alike, and refuses none", () => {
    expect(tInterval([4])).toEqual({ mean: 4, half: null, level: 0.95, n: 1 });
    expect(tInterval([1, 1, 1])).toEqual({ mean: 1, half: null, level: 0.95, n: 3 });
    expect(tInterval([0.1 + 0.2, 0.3])).toMatchObject({ half: null, n: 2 });
    expect(tInterval([0, 0])).toMatchObject({ half: null });
    expect(() => tInterval([])).toThrow("tInterval: there are no values. Give at least one value per arm");
  });
});
