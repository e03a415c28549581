import { readFileSync } from "node:fs";
import { createRng, type Rng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { expectCovered } from "../coverage.test.support.js";
import { matrix } from "../matrix.js";
import { averagePrecision, precisionRecallCurve } from "./average-precision.js";
import { rankingIntervals, rankKinds } from "./kind-scores.js";
import { oneHot } from "./labels.js";
import { rank } from "./ranked.js";
import { dPrime, rocAuc } from "./roc.js";

const golden = JSON.parse(readFileSync(new URL("../../../../fixtures/metrics/metrics.json", import.meta.url), "utf8"));
const asMatrix = (rows: number[][]) => matrix(rows.length, rows[0].length, Float32Array.from(rows.flat()));
const kinds = ["a", "b", "c", "d", "e", "f", "g"];

describe("average precision and AUC with ties", () => {
  const ranking = rankKinds(kinds, asMatrix(golden.scores), asMatrix(golden.targets));

  it("equal scikit-learn's", () => {
    expect(ranking.mAP).toBeCloseTo(golden.mAP, 12);
    for (const [c, row] of ranking.kinds.entries()) {
      expect(row.averagePrecision).toBeCloseTo(golden.averagePrecision[c], 12);
      expect(row.auc).toBeCloseTo(golden.auc[c], 12);
    }
    expect(ranking.excluded).toEqual({});
  });

  it("count a clip twice as if it stood there twice", () => {
    const scores = [0.9, 0.7, 0.7, 0.4, 0.2];
    const targets = [1, 0, 1, 1, 0];
    const counts = Int32Array.of(1, 2, 3, 0, 1);
    const spread = (values: number[]) => values.flatMap((value, i) => new Array<number>(counts[i]).fill(value));
    const weighted = rank(scores, targets);
    const repeated = rank(spread(scores), spread(targets));
    expect(averagePrecision(weighted, counts)).toBeCloseTo(averagePrecision(repeated), 12);
    expect(rocAuc(weighted, counts)).toBeCloseTo(rocAuc(repeated), 12);
  });

  it("leave out kinds without positives or negatives, and say which", () => {
    const scores = matrix(3, 3, Float32Array.of(0.1, 0.5, 0.9, 0.2, 0.6, 0.3, 0.8, 0.7, 0.4));
    const targets = matrix(3, 3, Float32Array.of(1, 0, 1, 0, 0, 1, 0, 0, 1));
    const ranked = rankKinds(["some", "none", "all"], scores, targets);
    expect(ranked.excluded).toEqual({ none: "no positive clips", all: "no negative clips" });
    expect(ranked.kinds.map((row) => row.auc)).toEqual([0, null, null]);
    expect(ranked.mAP).toBeCloseTo(1 / 3, 12);
    expect(ranked.dPrime).toBeNull();
  });
});

it("intervals of mAP and AUC leave clips out one by one, in log odds", () => {
  const [N, C] = [12, 3];
  const scores = matrix(N, C);
  for (let clip = 0; clip < N; clip++) {
    for (let c = 0; c < C; c++) {
      scores.data[clip * C + c] = ((7 * clip + 5 * c * c + 3) % 11) / 11 + (c === clip % C ? 0.3 : 0);
    }
  }
  const labels = Int32Array.from({ length: N }, (_, clip) => clip % C);
  const { mAP, auc, statistics } = rankKinds(["a", "b", "c"], scores, oneHot(labels, C));
  const made = rankingIntervals(N, statistics);
  // scikit-learn 1.9.1's average_precision_score and roc_auc_score of all clips and without each in turn, their spread times
  // √(11/12), times scipy.stats.t.ppf(0.975, 11), over p (1 − p), around scipy.special.logit(p); √2 · scipy.stats.norm.ppf.
  const expected = [
    ["mAP", mAP, 0.31030844155844156, 0.24942625255005405, 0.378556234650555],
    ["auc", auc, 0.3541666666666667, 0.20532363362080883, 0.5378772410176613],
    ["dPrime", null, null, -1.16355144, 0.13447369],
  ] as const;
  for (const [name, figure, value, low, high] of expected) {
    if (value !== null) expect(figure).toBeCloseTo(value, 12);
    expect(made[name], name).toEqual({
      ...{ low: expect.closeTo(low, 6), high: expect.closeTo(high, 6) },
      ...{ level: 0.95, resamples: N },
    });
  }
});

it("intervals of nearly perfect orders hold the truth 93–97 % of the time", () => {
  // Value ± t · error held 89 % of both, and percentiles of resamples 92–94 % of such areas.
  const [clips, kinds] = [60, ["a", "b", "c"]];
  const drawn = (rng: Rng) => {
    const labels = Int32Array.from({ length: clips }, () => rng.integer(3));
    const scores = matrix(clips, 3);
    for (let i = 0; i < scores.data.length; i++) {
      scores.data[i] = rng.normal() + (labels[Math.floor(i / 3)] === i % 3 ? 3 : 0);
    }
    return rankKinds(kinds, scores, oneHot(labels, 3));
  };
  // Means of 20,000 sets of as many clips are 0.9700 and 0.9831; areas are Φ(3 / √2) by their definition.
  const truth = { mAP: 0.97, auc: 0.98305 };
  const held = { mAP: 0, auc: 0 };
  const sets = 600;
  for (let set = 0; set < sets; set++) {
    const intervals = rankingIntervals(clips, drawn(createRng(`set ${set}`)).statistics);
    for (const name of ["mAP", "auc"] as const) {
      if (intervals[name].low <= truth[name] && truth[name] <= intervals[name].high) held[name] += 1 / sets;
    }
  }
  expectCovered(held);
});

it("d′ follows the tables of the normal distribution", () => {
  expect(dPrime(0.5)).toBe(0);
  expect(dPrime(0.975) / Math.SQRT2).toBeCloseTo(1.959963984540054, 7);
  expect(dPrime(0.001) / Math.SQRT2).toBeCloseTo(-3.090232306167813, 7);
  expect(dPrime(1)).toBe(Infinity);
});

it("the precision–recall curve takes equal scores together", () => {
  const curve = precisionRecallCurve([0.5, 0.5, 0.25, 0.75, 0.25], [1, 0, 1, 1, 0]);
  expect(curve).toEqual([
    { score: 0.75, precision: 1, recall: 1 / 3 },
    { score: 0.5, precision: 2 / 3, recall: 2 / 3 },
    { score: 0.25, precision: 3 / 5, recall: 1 },
  ]);
  expect(precisionRecallCurve([0.5, 0.25], [0, 0])).toEqual([]);
});
