import { expect, it } from "vitest";
import { calibration } from "./calibration.js";

it("weighs each bin's gap by its clips", () => {
  // Two bins of five: (0.2, 0.4] holds 0.3 and 0.4 (one right), (0.8, 1] holds 0.9 (right).
  const { error, bins } = calibration([0.3, 0.4, 0.9], [1, 0, 1], 5);
  expect(bins.map(({ clips }) => clips)).toEqual([0, 2, 0, 0, 1]);
  expect(bins[1].confidence).toBeCloseTo(0.35, 12);
  expect(bins[1].accuracy).toBe(0.5);
  expect(error).toBeCloseTo((2 * 0.15 + 1 * 0.1) / 3, 12);
});

it("is 0 for sure and right, 1 for sure and wrong", () => {
  expect(calibration([1, 1], [1, 1]).error).toBe(0);
  expect(calibration([1, 1], [0, 0]).error).toBe(1);
});

it("counts a clip twice as if it stood there twice", () => {
  const counted = calibration([0.3, 0.9, 0.5], [1, 0, 1], 5, Int32Array.of(2, 1, 0));
  expect(counted).toEqual(calibration([0.3, 0.3, 0.9], [1, 1, 0], 5));
});
