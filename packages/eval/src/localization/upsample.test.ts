import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { minMax, upsampleBilinear, upsampleNearest } from "./upsample.js";

const map = matrix(2, 3, Float32Array.of(0, 4, 8, 2, 6, 10));

describe("upsampling", () => {
  it("keeps corners and runs straight between them", () => {
    const { shape, data } = upsampleBilinear(map, { width: 5, height: 3 });
    expect(shape).toEqual([3, 5]);
    expect(Array.from(data)).toEqual([0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 2, 4, 6, 8, 10]);
    expect(Array.from(upsampleBilinear(map, { width: 3, height: 2 }).data)).toEqual(Array.from(map.data));
  });

  it("repeats cells for nearest", () => {
    expect(Array.from(upsampleNearest(map, { width: 6, height: 2 }).data)).toEqual([
      0, 0, 4, 4, 8, 8, 2, 2, 6, 6, 10, 10,
    ]);
  });

  it("stretches to 0–1, and leaves a constant map flat", () => {
    expect(Array.from(minMax(map).data)).toEqual([0, 4, 8, 2, 6, 10].map((value) => Math.fround(value / 10)));
    expect(Array.from(minMax(matrix(1, 3, Float32Array.of(7, 7, 7))).data)).toEqual([0, 0, 0]);
  });
});
