import { expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { averageFrames } from "./average-frames.js";

it("averages each clip's frames", () => {
  const rows = matrix(6, 2, Float32Array.of(1, 0, 0, 1, 0.5, 0.5, 0.25, 0.75, 0.25, 0.75, 1, 0));
  expect(Array.from(averageFrames(rows, 3).data)).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(averageFrames(rows, 2).shape).toEqual([3, 2]);
});

it("refuses rows that are no whole clips", () => {
  expect(() => averageFrames(matrix(7, 2), 3)).toThrow(
    "averageFrames: 7 rows are not clips of 3 frames each. Give every",
  );
});
