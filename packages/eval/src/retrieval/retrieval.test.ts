import { readFileSync } from "node:fs";
import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import type { Head } from "../head.js";
import type { RetrievalInput, RetrievalResult } from "../index.js";
import { matrix, takeRows } from "../matrix.js";
import { retrieval } from "./retrieval.js";

const golden = JSON.parse(
  readFileSync(new URL("../../../../fixtures/metrics/metrics.json", import.meta.url), "utf8"),
).retrieval;
const asMatrix = (rows: number[][]) => matrix(rows.length, rows[0].length, Float32Array.from(rows.flat()));
const head = retrieval satisfies Head<RetrievalInput, RetrievalResult>;

describe("retrieval", () => {
  it("equals the reference numbers", () => {
    const { audioToVisual, gallery } = head({ audio: asMatrix(golden.audio), visual: asMatrix(golden.visual) });
    expect(gallery).toBe(37);
    for (const name of ["r1", "r5", "r10"] as const) expect(audioToVisual[name]).toBeCloseTo(golden[name], 12);
    expect(audioToVisual.medianRank).toBe(golden.medianRank);
  });

  it("swaps directions when the modalities are swapped", () => {
    const [audio, visual] = [asMatrix(golden.audio), asMatrix(golden.visual)];
    const one = retrieval({ audio, visual });
    const other = retrieval({ audio: visual, visual: audio });
    expect(other.visualToAudio.ranks).toEqual(one.audioToVisual.ranks);
    expect(other.audioToVisual.ranks).toEqual(one.visualToAudio.ranks);
    expect(one.audioToVisual.ranks).not.toEqual(one.visualToAudio.ranks);
  });

  it("agrees with counting one by one over more clips than a tile holds", () => {
    const rng = createRng("retrieval");
    const n = 541;
    const d = 7;
    const audio = matrix(
      n,
      d,
      Float32Array.from({ length: n * d }, () => rng.normal()),
    );
    const visual = matrix(
      n,
      d,
      Float32Array.from(audio.data, (value) => value + 0.7 * rng.normal()),
    );
    const cosine = (i: number, j: number) => {
      let [dot, a, v] = [0, 0, 0];
      for (let k = 0; k < d; k++) {
        dot += audio.data[i * d + k] * visual.data[j * d + k];
        a += audio.data[i * d + k] ** 2;
        v += visual.data[j * d + k] ** 2;
      }
      return dot / Math.sqrt(a * v);
    };
    const { audioToVisual, visualToAudio } = retrieval({ audio, visual });
    for (let i = 0; i < n; i++) {
      let forward = 0;
      let backward = 0;
      for (let j = 0; j < n; j++) {
        if (cosine(i, j) > cosine(i, i) + 1e-6) forward++;
        if (cosine(j, i) > cosine(i, i) + 1e-6) backward++;
      }
      expect(Math.abs(audioToVisual.ranks[i] - forward)).toBeLessThanOrEqual(1);
      expect(Math.abs(visualToAudio.ranks[i] - backward)).toBeLessThanOrEqual(1);
    }
    expect(audioToVisual.intervals.r1.low).toBeLessThan(audioToVisual.r1);
    expect(audioToVisual.intervals.r1.high).toBeGreaterThan(audioToVisual.r1);
  });

  it("says so when embeddings have collapsed, which this rank would call perfect", () => {
    const same = takeRows(matrix(1, 3, Float32Array.of(1, 2, 3)), new Int32Array(23));
    const { audioToVisual, warnings } = retrieval({ audio: same, visual: same });
    expect(audioToVisual.r1).toBe(1);
    expect(audioToVisual.tied).toBe(1);
    expect(warnings.join()).toContain("100.0 % of audio queries tie with a wrong answer");
  });

  it("meets wrong use with words", () => {
    const good = matrix(3, 2, Float32Array.of(1, 0, 0, 1, 1, 1));
    expect(() => retrieval({ audio: matrix(0, 2), visual: matrix(0, 2) })).toThrow(
      "audio has no rows to compare, shape [0, 2]. Check that the split has clips",
    );
    expect(() => retrieval({ audio: good, visual: takeRows(good, [0, 1]) })).toThrow("axis 0 (N) is 2, not 3");
    const holed = matrix(3, 2, Float32Array.of(1, 0, 0, Number.NaN, 1, 1));
    expect(() => retrieval({ audio: good, visual: holed })).toThrow("visual has NaN in row 1, column 1");
    const zeros = matrix(3, 2, Float32Array.of(1, 0, 0, 0, 1, 1));
    expect(() => retrieval({ audio: zeros, visual: good })).toThrow("row 1 of audio is all zeros");
  });
});
