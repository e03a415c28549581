import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { adaptiveViews, clipNoise, gumbelNoise } from "./adaptive.js";

const grids = {
  audio: { rows: 4, columns: 5, patch: 2, channels: 1 },
  visual: { rows: 3, columns: 7, patch: 2, channels: 3 },
};
const even = { audio: new Float32Array(20).fill(-Math.log(20)), visual: new Float32Array(21).fill(-Math.log(21)) };

describe("adaptiveViews", () => {
  it.each([0.75, 0.9, 0.95])("deals disjoint, whole views at ratio %s", (ratio) => {
    const views = adaptiveViews({ ratio })(grids, even, clipNoise(grids, createRng(1)));
    expect(views.length).toBe(2);
    for (const [modality, N] of [
      ["audio", 20],
      ["visual", 21],
    ] as const) {
      const K = Math.floor(N * (1 - ratio));
      const seen = new Set(views.flatMap((view) => [...view[modality].visible]));
      expect(seen.size).toBe(2 * K);
      for (const { [modality]: positions } of views) {
        expect(positions.visible.length).toBe(K);
        expect([...positions.visible, ...positions.hidden].sort((a, b) => a - b)).toEqual([...Array(N).keys()]);
      }
    }
  });

  it("draws the first patch by the probabilities, and both views see likely patches alike", () => {
    const weights = Float64Array.from({ length: 20 }, (_, patch) => 1 + patch);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const logs = { ...even, audio: Float32Array.from(weights, (weight) => Math.log(weight / total)) };
    const rng = createRng("draws");
    const rounds = 20_000;
    const first = new Float64Array(20);
    const seen = [new Float64Array(20), new Float64Array(20)];
    const mask = adaptiveViews({ ratio: 0.75 });
    for (let round = 0; round < rounds; round++) {
      const views = mask(grids, logs, clipNoise(grids, rng.fork(round)));
      first[views[0].audio.visible[0]] += 1 / rounds;
      for (const [v, view] of views.entries()) for (const patch of view.audio.visible) seen[v][patch] += 1 / rounds;
    }
    for (const [patch, share] of first.entries()) expect(share).toBeCloseTo(weights[patch] / total, 1.9);
    for (const patch of first.keys()) expect(Math.abs(seen[0][patch] - seen[1][patch])).toBeLessThan(0.04);
    expect(seen[0][19]).toBeGreaterThan(5 * seen[0][0]);
  });

  it("is the same for the same noise, and refuses what cannot be drawn by", () => {
    const noise = clipNoise(grids, createRng(2));
    expect(adaptiveViews()(grids, even, noise)).toEqual(adaptiveViews()(grids, even, clipNoise(grids, createRng(2))));
    expect(gumbelNoise(10_000, createRng(3)).every(Number.isFinite)).toBe(true);
    expect(() => adaptiveViews()(grids, { ...even, audio: [0] }, noise)).toThrow("1 audio log-probabilities");
    expect(() => adaptiveViews()(grids, { ...even, visual: new Float32Array(21).fill(Number.NaN) }, noise)).toThrow(
      "not finite",
    );
    expect(() => adaptiveViews({ views: 5 })(grids, even, noise)).toThrow("5 disjoint views");
  });
});
