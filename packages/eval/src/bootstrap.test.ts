import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { bootstrap, mapInterval, meanOf, medianOf } from "./bootstrap.js";

const rng = createRng("bootstrap-test");
const values = Float64Array.from({ length: 211 }, () => 3 + 2 * rng.normal());

describe("bootstrap", () => {
  it("agrees with the normal interval of a mean, mean ± 1.96·s/√n", () => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    const half = (1.96 * deviation) / Math.sqrt(values.length);
    const { mean: interval } = bootstrap(values.length, { mean: meanOf(values) }, { resamples: 4000 });
    expect(Math.abs(interval.low - (mean - half))).toBeLessThan(0.15 * half);
    expect(Math.abs(interval.high - (mean + half))).toBeLessThan(0.15 * half);
    expect(interval.level).toBe(0.95);
    expect(interval.resamples).toBe(4000);
  });

  it("is the same for the same seed, other for another", () => {
    const of = (seed: number) => bootstrap(211, { m: meanOf(values) }, { rng: createRng(seed), resamples: 101 }).m;
    expect(of(7)).toEqual(of(7));
    expect(of(7)).not.toEqual(of(8));
  });

  it("takes medians and means of counted clips", () => {
    const counts = Int32Array.of(0, 3, 1, 0, 2);
    const few = [9, 1, 4, Number.NaN, 2];
    expect(meanOf(few)(counts)).toBe(11 / 6);
    expect(medianOf([9, 1, 4, 8, 2])(counts)).toBe(1.5);
    expect(medianOf([9, 1, 4, 8, 2])(Int32Array.of(0, 1, 1, 0, 1))).toBe(2);
  });

  it("counts only resamples in which the figure exists", () => {
    const { only } = bootstrap(2, { only: (counts) => (counts[0] === 0 ? Number.NaN : 1) }, { resamples: 500 });
    expect(only.resamples).toBeGreaterThan(300);
    expect(only.resamples).toBeLessThan(450);
  });

  it("carries intervals to a rising or falling figure", () => {
    const interval = { low: 1, high: 4, level: 0.95, resamples: 7 };
    expect(mapInterval(interval, Math.sqrt)).toEqual({ ...interval, low: 1, high: 2 });
    expect(mapInterval(interval, (value) => -value)).toEqual({ ...interval, low: -4, high: -1 });
  });

  it("refuses no clips with words", () => {
    expect(() => bootstrap(0, {})).toThrow("bootstrap: 0 clips, 1000 resamples and level 0.95 give no interval. Give");
  });
});
