import { describe, expect, it } from "vitest";
import { type Matrix, matrix } from "../matrix.js";
import { attentionEntropy } from "./attention-entropy.js";
import { collapseSigns } from "./collapse.js";
import { heldOutAccuracy } from "./held-out-accuracy.js";
import { type Probe, probeEmbeddings } from "./probe.js";
import { rankMe, singularValues } from "./rank-me.js";
import { alignment, channelDeviations, uniformity } from "./sphere.js";

const rowsOf = (rows: readonly (readonly number[])[]): Matrix =>
  matrix(rows.length, rows[0].length, Float32Array.from(rows.flat()));

/** sin(3i + 7j² + s), and 0.5 more in column 1. */
const made = (N: number, D: number, s: number): Matrix =>
  rowsOf(
    Array.from({ length: N }, (_, i) =>
      Array.from({ length: D }, (_, j) => Math.sin(3 * i + 7 * j * j + s) + (j === 1 ? 0.5 : 0)),
    ),
  );

/**
 * By NumPy 2 in float64 of the same matrices x = made(N, D, 1), y = made(N, D, 2), u and w their rows at length 1:
 * s = svd(x); p = s / s.sum() + 1e-7; exp(−(p ln p).sum()); (‖u − w‖²).mean(); with i, j = triu_indices(N, 1)
 * log(exp(−2 ‖uᵢ − uⱼ‖²).mean()); u.std(0) · √D.
 */
const references = [
  {
    ...{ N: 7, D: 5, values: [3.886829630956896, 1.1859292487134292, 0.8411136700565429], rank: 2.3999627155445684 },
    ...{ align: 0.5745506736400422, uniform: -1.2560500002231167 },
    deviations: [0.8315077151382373, 1.2918790403606801, 0.5314120147099768],
  },
  {
    ...{ N: 5, D: 11, values: [5.107285757830941, 1.0619950488877414, 0.9635223178170563], rank: 2.2103877385854886 },
    ...{ align: 0.7937732994273389, uniform: -1.1648126445706095 },
    deviations: [0.9267170020685513, 1.3101271071989262, 0.6337614320957995],
  },
  {
    ...{ N: 71, D: 13, values: [16.060083174283015, 14.245190662400443, 3.7847583523371235], rank: 2.620227268943946 },
    ...{ align: 0.8989611278303345, uniform: -1.6066012929253544 },
    deviations: [0.9756487630548917, 1.0180358815322121, 0.9415813707151458],
  },
];

describe("against NumPy", () => {
  it.each(references)("$N × $D", ({ N, D, values, rank, align, uniform, deviations }) => {
    const x = made(N, D, 1);
    const near = (value: number, right: number) => expect(Math.abs(value / right - 1)).toBeLessThan(2e-6);
    for (const [index, value] of values.entries()) near(singularValues(x)[index], value);
    // Float32 numbers have a little in every direction, whatever NumPy's float64 had.
    expect(Math.abs(rankMe(x) / rank - 1)).toBeLessThan(1e-5);
    near(alignment(x, made(N, D, 2)), align);
    near(uniformity(x), uniform);
    for (const [index, value] of deviations.entries()) near(channelDeviations(x)[index], value);
  });
});

describe("by hand", () => {
  it("RankMe counts directions: all of them alike, one alone, 3 to 1", () => {
    expect(
      rankMe(
        rowsOf([
          [2, 0, 0],
          [0, 2, 0],
          [0, 0, 2],
        ]),
      ),
    ).toBeCloseTo(3, 5);
    expect(
      rankMe(
        rowsOf([
          [1, 2, 3],
          [2, 4, 6],
          [-1, -2, -3],
        ]),
      ),
    ).toBeCloseTo(1, 4);
    // p = 3/4, 1/4: exp(0.75 ln(4/3) + 0.25 ln 4) = 4 / 3^0.75
    expect(
      rankMe(
        rowsOf([
          [3, 0],
          [0, 1],
        ]),
      ),
    ).toBeCloseTo(4 / 3 ** 0.75, 5);
    expect(rankMe(matrix(3, 5))).toBe(1);
  });

  it("alignment is a squared distance of unit vectors: together 0, square 2, opposite 4", () => {
    expect(
      alignment(
        rowsOf([
          [2, 0],
          [0, 3],
        ]),
        rowsOf([
          [5, 0],
          [0, 1],
        ]),
      ),
    ).toBeCloseTo(0, 12);
    expect(alignment(rowsOf([[2, 0]]), rowsOf([[0, 7]]))).toBeCloseTo(2, 12);
    expect(
      alignment(
        rowsOf([
          [2, 0],
          [1, 0],
        ]),
        rowsOf([
          [-1, 0],
          [4, 0],
        ]),
      ),
    ).toBeCloseTo(2, 12);
  });

  it("uniformity: one place 0, a square's corners ln((4 e⁻⁴ + 2 e⁻⁸) / 6)", () => {
    expect(
      uniformity(
        rowsOf([
          [1, 0],
          [2, 0],
          [3, 0],
        ]),
      ),
    ).toBeCloseTo(0, 6);
    const square = rowsOf([
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
    ]);
    expect(uniformity(square)).toBeCloseTo(Math.log((4 * Math.exp(-4) + 2 * Math.exp(-8)) / 6), 5);
  });

  it("deviation: a channel that says the same of all is 0", () => {
    const deviations = channelDeviations(
      rowsOf([
        [1, 0],
        [-1, 0],
      ]),
    );
    expect([...deviations]).toEqual([Math.SQRT2, 0]);
  });

  it("attention: everywhere 1, one token 0, two of four a half", () => {
    expect(attentionEntropy(rowsOf([[0.25, 0.25, 0.25, 0.25]]))).toBeCloseTo(1, 12);
    expect(attentionEntropy(rowsOf([[0, 1, 0, 0]]))).toBe(0);
    expect(
      attentionEntropy(
        rowsOf([
          [0.5, 0, 0.5, 0],
          [0, 0, 0, 1],
        ]),
      ),
    ).toBeCloseTo(0.25, 12);
  });

  it("accuracy: every other clip of a kind is fitted, the others told; clips alone in their kind are left out", () => {
    // Kind 0 points one way, kind 1 the other; the last of kind 1 lies among kind 0.
    const features = rowsOf([
      [1, 0.1],
      [1, -0.1],
      [1, 0.2],
      [1, 0],
      [-1, 0.1],
      [-1, -0.1],
      [-1, 0.2],
      [1, 0.1],
      [0, 1],
    ]);
    const labels = [0, 0, 0, 0, 1, 1, 1, 1, 2];
    expect(heldOutAccuracy(["a", "b", "c"], { features, labels })).toEqual({
      ...{ knn: 3 / 4, linear: 3 / 4, chance: 1 / 2, fitted: 4, scored: 4 },
    });
    expect(
      heldOutAccuracy(["a", "b"], {
        features: rowsOf([
          [1, 0],
          [1, 0],
        ]),
        labels: [0, 1],
      }),
    ).toBeUndefined();
  });

  it("accuracy: windows of one recording are fitted or told, all of them", () => {
    // Two recordings of each kind, two windows each; the second of either kind lies beside the other kind's first.
    const features = rowsOf([
      [1, 0],
      [1, 0.01],
      [0, 1],
      [0.01, 1],
      [0.1, 1],
      [0.1, 1.01],
      [1, 0.1],
      [1.01, 0.1],
    ]);
    const labels = [0, 0, 0, 0, 1, 1, 1, 1];
    const told = (recordings?: readonly number[]) => heldOutAccuracy(["a", "b"], { features, labels, recordings });
    expect(told()).toMatchObject({ knn: 1, fitted: 4, scored: 4 });
    expect(told([1, 1, 2, 2, 3, 3, 4, 4])).toEqual({ knn: 0, linear: 0, chance: 0.5, fitted: 4, scored: 4 });
    // Of one kind there is one recording.
    expect(told([1, 1, 2, 2, 3, 3, 3, 3])).toBeUndefined();
  });
});

describe("probeEmbeddings", () => {
  const rows = made(71, 13, 1);
  it("joins them; retrieval that ties is no hit", () => {
    const labels = Array.from({ length: 71 }, (_, i) => [i % 2 === 0 ? "a" : "b"]);
    const probe = probeEmbeddings({ audio: rows, visual: rows, joint: made(71, 13, 2), labels });
    expect(probe).toMatchObject({
      clips: 71,
      width: 13,
      alignment: 0,
      retrieval: { audioToVisual: 1, visualToAudio: 1 },
    });
    expect(probe.rank.audio).toBeCloseTo(2.620227, 4);
    expect(probe.accuracy?.scored).toBe(35);
    const one = rowsOf(Array.from({ length: 5 }, () => [1, 2, 3]));
    const collapsed = probeEmbeddings({ audio: one, visual: one, joint: one });
    expect(collapsed).toMatchObject({ retrieval: { audioToVisual: 0, visualToAudio: 0, chance: 0.2 } });
    expect(collapsed.accuracy).toBeUndefined();
    expect(collapsed.rank.joint).toBeCloseTo(1, 4);
  });
});

describe("collapseSigns", () => {
  const same = (value: number) => ({ audio: value, visual: value, joint: value });
  const probe = (rank: number, uniform: number, r1: number): Probe => ({
    ...{ clips: 101, width: 192, rank: same(rank), alignment: 1, uniformity: same(uniform), deviation: same(1) },
    retrieval: { audioToVisual: r1, visualToAudio: r1, chance: 1 / 101 },
  });
  const healthy = [probe(20, -2, 0.1), probe(25, -2.5, 0.2), probe(30, -2.8, 0.3)];
  const signs = (probes: readonly Probe[], contrast = true) => [
    ...new Set(collapseSigns(probes, { contrast }).map(({ sign }) => sign)),
  ];

  it("says nothing of a run that learns, nor of one bad probe", () => {
    expect(signs(healthy)).toEqual([]);
    expect(signs([...healthy, probe(1.1, -0.1, 0)])).toEqual([]);
    expect(signs([probe(1.1, 0, 0), probe(1.1, 0, 0)])).toEqual([]);
  });

  it("says what has collapsed", () => {
    const bad = [1, 2, 3].map(() => probe(1.5, -0.9, 0.01));
    expect(signs([...healthy, ...bad])).toEqual(["rank", "uniformity", "contrast"]);
    expect(signs([...healthy, ...bad], false)).toEqual(["rank", "uniformity"]);
    // Never better than it is: nothing has risen.
    expect(signs(bad)).toEqual(["rank", "contrast"]);
    // As distillation alone ends, whatever its rank.
    expect(signs([1, 2, 3].map(() => probe(5, -0.01, 0.5)))).toEqual(["uniformity"]);
    // 1/101 + 2 standard errors = 2.96 %.
    expect(signs([1, 2, 3].map(() => probe(30, -2, 0.029)))).toEqual(["contrast"]);
    expect(signs([1, 2, 3].map(() => probe(30, -2, 0.031)))).toEqual([]);
  });

  it("says it in words", () => {
    const [first] = collapseSigns(
      [1, 2, 3].map(() => probe(1.5, -2, 0.5)),
      { contrast: true },
    );
    expect(first.what).toBe(
      "audio embeddings use 1.50 directions of 192 (RankMe of 101 clips; below 4.00 is collapsed)",
    );
    expect(first.remedy).toContain("variance-covariance");
  });
});
