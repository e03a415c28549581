import { describe, expect, it } from "vitest";
import { createRng } from "./rng.js";

describe("createRng", () => {
  it("gives the same numbers on every machine", () => {
    const rng = createRng(7);
    expect(Array.from({ length: 4 }, () => rng.uint32())).toEqual([1962956048, 3502502550, 786837737, 166121553]);
    expect([...createRng("decks").permutation(11)]).toEqual([3, 9, 10, 2, 8, 6, 1, 4, 7, 5, 0]);
  });

  it("forks by name, whatever was drawn before", () => {
    const parent = createRng(7);
    const before = parent.fork("masks").uint32();
    parent.uniform();
    expect(parent.fork("masks").uint32()).toBe(before);
    expect(parent.fork("noise").uint32()).not.toBe(before);
  });

  it("draws uniform integers without bias at the edges", () => {
    const rng = createRng(3);
    const counts = new Int32Array(7);
    for (let i = 0; i < 70_000; i++) counts[rng.integer(7)] += 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it("draws standard normals", () => {
    const rng = createRng(5);
    const values = Array.from({ length: 50_000 }, () => rng.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  });

  it("permutes 0 … n−1, once each", () => {
    expect([...createRng(1).permutation(13)].sort((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, i) => i));
  });
});
