import { describe, expect, it } from "vitest";
import { dealt } from "./shared-work.js";

const mega = 2 ** 20;

describe("dealt", () => {
  it("gives each item to whoever has the least to do", () => {
    expect(dealt([5, 1, 1, 1, 9, 1], 2)).toEqual([[0, 1, 1, 1, 1, 0]]);
    expect(dealt([0, 0, 0], 3)).toEqual([[0, 1, 2]]);
  });

  it("begins a new wave after so many items, or so much work", () => {
    expect(dealt(new Array(40).fill(1), 2).map(({ length }) => length)).toEqual([32, 8]);
    expect(dealt([200 * mega, mega, mega], 2)).toEqual([[0], [0, 1]]);
    expect(dealt([], 2)).toEqual([]);
  });

  it("leaves nothing out", () => {
    for (const size of [1, 2, 3, 7]) {
      const weights = Array.from({ length: 100 }, (_, at) => (at % 7) * 9 * mega);
      expect(dealt(weights, size).flat()).toHaveLength(100);
    }
  });
});
