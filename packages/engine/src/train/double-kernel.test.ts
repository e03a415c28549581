import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { sumOfSquares, weightedSum } from "./double-kernel.js";

const rng = createRng("doubles");
const numbers = (length: number): Float32Array =>
  Float32Array.from({ length }, () => rng.normal() * 10 ** (8 * rng.uniform() - 4));
// None, less than a vector, whole and broken chunks.
const lengths = [0, 1, 3, 4, 8191, 8192, 20_003];

describe("float32 arrays with float64 arithmetic", () => {
  it.each(lengths)("weighs and adds %i numbers to the bits of JavaScript's own", (length) => {
    const [sum, other] = [numbers(length), numbers(length)];
    const wanted = sum.map((value, at) => value * 0.996 + other[at] * (1 - 0.996));
    weightedSum(sum, other, 0.996, 1 - 0.996);
    expect(sum).toEqual(wanted);
  });

  it("weighs an array with itself, and only the part it is given", () => {
    const all = Float32Array.of(1, 2, 3, 4, 5, 6, 7);
    const part = all.subarray(1, 6);
    weightedSum(part, part, 0, 0.5);
    expect([...all]).toEqual([1, 1, 1.5, 2, 2.5, 3, 7]);
  });

  it.each(lengths)("adds up the squares of %i numbers", (length) => {
    const values = numbers(length);
    const wanted = values.reduce((sum, value) => sum + value * value, 0);
    expect(Math.abs(sumOfSquares(values) - wanted)).toBeLessThanOrEqual(1e-13 * wanted);
  });

  it("squares what float32 could not hold, and does not lose what is no number", () => {
    expect(sumOfSquares(Float32Array.of(3 * 2 ** 100, 4 * 2 ** 100, 0))).toBe(25 * 2 ** 200);
    expect(sumOfSquares(Float32Array.of(1, 2, 3, 4, 5, Number.NaN))).toBeNaN();
    expect(sumOfSquares(Float32Array.of(1, Number.NEGATIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
    // What an earlier call left behind does not count.
    expect(sumOfSquares(Float32Array.of(1, 2))).toBe(5);
  });
});
