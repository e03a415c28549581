import { describe, expect, it } from "vitest";
import { expectShape, sizeOf } from "./shape.js";

describe("expectShape", () => {
  it("returns what each letter stood for", () => {
    expect(expectShape("embed", "patches", { shape: [3, 7, 256] }, "B N 256")).toEqual({ B: 3, N: 7 });
  });

  it("holds a letter to one size, known or met before", () => {
    expect(() => expectShape("embed", "patches", { shape: [3, 5] }, "B B")).toThrow(/axis 1 \(B\) is 5, not 3/);
    expect(() => expectShape("embed", "patches", { shape: [3, 5] }, "B N", { N: 7 })).toThrow(/N\) is 5, not 7/);
  });

  it("says where, what came, what was expected and what to do", () => {
    expect(() => expectShape("embed", "patches", { shape: [3, 7] }, "B N 256")).toThrow(
      "embed: patches has shape [3, 7], expected [B, N, 256]: rank 2 is not 3. Pass patches with shape [B, N, 256]",
    );
  });

  it("counts the values in a shape", () => {
    expect(sizeOf([2, 3, 5])).toBe(30);
    expect(sizeOf([])).toBe(1);
  });
});
