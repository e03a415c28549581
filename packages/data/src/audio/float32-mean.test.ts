import { expect, it } from "vitest";
import { frameMean, withoutMean } from "./float32-mean.js";

it("adds 32 columns, their groups of eight, what is left, and then the eight, rounding each time", () => {
  const values = new Float32Array(3 + 77).fill(0);
  // 2²⁴ + 1 is 2²⁴ in float32, so what follows a large number in its own sum is lost.
  values[3] = 2 ** 24;
  values[3 + 32] = 1; // the same column, one row on: lost
  values[3 + 8] = 1; // the next group of the same lane: lost
  values[3 + 64] = 1; // an eight that is left over, the same lane: lost
  values[3 + 72] = 1; // a single one that is left over: first in the last sum, 1 + 2²⁴ is lost as well
  values[3 + 1] = -(2 ** 24);
  values[3 + 33] = -2;
  expect(frameMean(values, 3, 77)).toBe(Math.fround(-2 / 77));
});

it("adds sixteen rows before they join the total", () => {
  const values = new Float32Array(32 * 17);
  values[0] = 2 ** 24;
  values[32 * 16] = 1;
  values[1] = 1;
  expect(frameMean(values, 0, values.length)).toBe(Math.fround(2 ** 24 / values.length));
  values.fill(0);
  for (let row = 1; row < 16; row++) values[32 * row] = 1;
  values[32 * 16] = 2 ** 24;
  // The fifteen ones come together before they meet the large number: 2²⁴ + 15 is rounded once, to 2²⁴ + 16.
  expect(frameMean(values, 0, values.length)).toBe(Math.fround((2 ** 24 + 16) / values.length));
});

it("takes the mean off a sound", () => {
  expect([...withoutMean(Float32Array.of(1, 2, 6))]).toEqual([-2, -1, 3]);
});
