import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { neighbours } from "./neighbours.js";

const gallery = matrix(5, 2, Float32Array.of(1, 0, 0, 2, 3, 3, -1, 0, 5, 0));

describe("neighbours", () => {
  it("lists the nearest first, equal ones in the gallery's order", () => {
    const [first, second] = neighbours(matrix(2, 2, Float32Array.of(9, 1, -1, 4)), gallery, 3);
    expect(first.map(({ index }) => index)).toEqual([0, 4, 2]);
    expect(second.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(first[0].cosine).toBeCloseTo(9 / Math.sqrt(82), 6);
  });

  it("gives the whole gallery when it is smaller than asked", () => {
    expect(neighbours(gallery, gallery, 17).map((list) => list.length)).toEqual([5, 5, 5, 5, 5]);
  });

  it("refuses no neighbours and unequal widths", () => {
    expect(() => neighbours(gallery, gallery, 0)).toThrow("0 neighbours were asked for");
    expect(() => neighbours(matrix(1, 3, Float32Array.of(1, 1, 1)), gallery, 1)).toThrow("axis 1 (D) is 2, not 3");
  });
});
