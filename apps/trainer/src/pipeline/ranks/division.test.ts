import { describe, expect, it } from "vitest";
import { divide } from "./division.js";
import { ownerOf } from "./ranks.js";

const of = (size: number) => ({ size });
const settings = { batch: 48, accumulate: 1 };

describe("divide", () => {
  it("leaves one process its batch whole, and gives ranks alike where the batch can be", () => {
    expect(divide(settings, of(1), true)).toEqual({ pieces: 1, clips: 48 });
    for (const [size, pieces] of [
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 6],
      [7, 8],
      [48, 48],
    ]) {
      expect(divide(settings, of(size), true), `${size}`).toEqual({ pieces, clips: 48 / pieces });
    }
    expect(divide({ batch: 6, accumulate: 4 }, of(3), false)).toEqual({ pieces: 3, clips: 2 });
  });

  it("reproducible: the same pieces whatever the ranks", () => {
    const fixed = { ...settings, reproducible: true };
    for (const size of [1, 2, 3, 4]) expect(divide(fixed, of(size), true)).toEqual({ pieces: 4, clips: 12 });
    for (const size of [1, 3, 12]) {
      expect(divide({ ...fixed, microBatch: 4 }, of(size), true)).toEqual({ pieces: 12, clips: 4 });
    }
    expect(divide({ ...fixed, accumulate: 4 }, of(4), false)).toEqual({ pieces: 1, clips: 48 });
    expect(() => divide(fixed, of(5), true)).toThrow(
      "there are 5 ranks, and an update has 4 pieces of 12 clips to share out. Start fewer ranks, or set training.microBatch to 9 or less",
    );
  });

  it("keeps whole batches together where terms are to see them so", () => {
    const several = { batch: 8, accumulate: 4 };
    expect(divide(several, of(4), true)).toEqual({ pieces: 1, clips: 8 });
    expect(() => divide(several, of(5), true)).toThrow(
      "has its terms see whole batches. Set training.accumulateContrast=cached, or training.accumulate=1 with a larger training.batch, or start fewer ranks",
    );
    const two = { batch: 8, accumulate: 2 };
    expect(() => divide({ ...two, microBatch: 4 }, of(1), true)).toThrow("or leave training.microBatch out");
    expect(() => divide({ ...two, reproducible: true }, of(1), true)).toThrow("or leave training.reproducible out");
    expect(divide({ ...several, accumulateContrast: "cached" }, of(8), true)).toEqual({ pieces: 2, clips: 4 });
  });

  it("says which sizes a piece may have, and when there are too few clips", () => {
    expect(() => divide({ batch: 6, accumulate: 1, microBatch: 4 }, of(1), true)).toThrow(
      "Set it to one of 1, 2, 3, 6",
    );
    expect(() => divide({ batch: 2, accumulate: 1 }, of(3), true)).toThrow(
      "there are 3 ranks, and an update has 2 pieces",
    );
  });
});

it("ownerOf gives every rank one stretch", () => {
  for (const [count, size] of [
    [4, 3],
    [5, 4],
    [12, 4],
    [7, 7],
  ]) {
    const owners = Array.from({ length: count }, (_, index) => ownerOf(index, count, { size }));
    expect(owners).toEqual([...owners].sort((a, b) => a - b));
    expect(new Set(owners).size).toBe(size);
  }
});
