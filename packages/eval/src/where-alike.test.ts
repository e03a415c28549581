import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { bootstrap, meanOf } from "./bootstrap.js";
import { classification } from "./classification/classification.js";
import { fewShot } from "./classification/few-shot.js";
import { pairedDifference } from "./comparison/paired-difference.js";
import { figuresOf } from "./figures.js";
import { byGroup } from "./groups/by-group.js";
import { groupFigures } from "./groups/group-figures.js";
import { localization } from "./localization/localization.js";
import { matrix } from "./matrix.js";
import { resultsMteb } from "./report/results/mteb.js";
import { resultsText } from "./report/results/results.js";
import { sectionOf } from "./report/results/section.js";
import { retrieval } from "./retrieval/retrieval.js";
import { vggSounder } from "./vggsounder/vggsounder.js";
import { intervalWhereAlike, withExact } from "./where-alike.js";

const quick = { resamples: 50 };
/** Clopper and Pearson's far end for n of n, from tables: 69.15 % of 10, 86.77 % of 26, 96.38 % of 100. */
const farEnd = { 10: 0.6915, 13: 0.7529, 20: 0.8316, 26: 0.8677, 100: 0.9638 } as const;
const missed = (n: keyof typeof farEnd) => ({ low: 0, high: expect.closeTo(1 - farEnd[n], 4), resamples: 0 });
const hit = (n: keyof typeof farEnd) => ({ low: expect.closeTo(farEnd[n], 4), high: 1, resamples: 0 });

const ids = Array.from({ length: 26 }, (_, clip) => `clip ${clip}`);
/** Unit rows around a circle; turned on by some places, so that nobody finds the right one. */
const around = (turn: number) =>
  matrix(
    26,
    2,
    Float32Array.from(ids.flatMap((_, i) => [Math.cos, Math.sin].map((f) => f((2 * Math.PI * (i + turn)) / 26)))),
  );

describe("shares of clips that are all alike", () => {
  it("hold the truth as often as they say, whichever of the clips are hits", () => {
    const n = 26;
    const intervals = Array.from({ length: n + 1 }, (_, hits) => {
      const values = Float64Array.from({ length: n }, (_, clip) => (clip < hits ? 1 : 0));
      return withExact(bootstrap(n, { share: meanOf(values) }), { share: values }).share;
    });
    for (const truth of [0.02, 0.05, 0.95, 0.98]) {
      let [held, chance] = [0, (1 - truth) ** n];
      for (const [hits, { low, high }] of intervals.entries()) {
        if (low <= truth && truth <= high) held += chance;
        chance *= ((n - hits) / (hits + 1)) * (truth / (1 - truth));
      }
      expect(held, `${truth}`).toBeGreaterThan(0.93);
    }
  });

  it("are exact at either end, leave other figures alone, and keep within what a value may be", () => {
    expect(intervalWhereAlike(new Uint8Array(100), [0, 1])).toMatchObject(missed(100));
    expect(intervalWhereAlike(new Uint8Array(10).fill(1), [0, 1])).toMatchObject(hit(10));
    expect(intervalWhereAlike([0, 1], [0, 1])).toBeUndefined();
    expect(intervalWhereAlike([], [0, 1])).toBeUndefined();
    // Half of every clip's steps: either half of what is not known may be lost or won.
    expect(intervalWhereAlike(new Array(10).fill(0.5), [0, 1])).toMatchObject({
      ...{ low: expect.closeTo(0.5 * farEnd[10], 4), high: expect.closeTo(1 - 0.5 * farEnd[10], 4) },
    });
    // Sums of shares that differ by rounding are alike.
    const twoHundred = Array.from({ length: 200 }).reduce<number>((sum) => sum + 1 / 200, 0);
    expect(intervalWhereAlike([twoHundred, 1, Number.NaN], [0, 1])).toMatchObject({
      high: 1,
      low: expect.closeTo(0.025 ** 0.5, 12),
    });
  });

  it("in retrieval, but where a gallery so small leaves no choice", () => {
    const none = retrieval({ audio: around(0), visual: around(13), intervals: quick });
    const all = retrieval({ audio: around(0), visual: around(0), intervals: quick });
    expect(none.audioToVisual.intervals.r10).toMatchObject(missed(26));
    expect(all.visualToAudio.intervals.r1).toMatchObject(hit(26));
    expect(all.visualToAudio.intervals.medianRank).toMatchObject({ low: 1, high: 1 });
    const two = (data: readonly number[]) => matrix(2, 2, Float32Array.from(data));
    const few = retrieval({ audio: two([1, 0, 0, 1]), visual: two([0, 1, 1, 0]), intervals: quick });
    expect(few.audioToVisual.intervals.r5).toMatchObject({ low: 1, high: 1, resamples: 50 });

    const groups = groupFigures(
      { head: "retrieval", result: none },
      ids,
      (id) => (Number(id.slice(5)) % 2 === 0 ? "even" : "odd"),
      "column",
      { permutations: 5, intervals: quick },
    ).figures.find(({ key }) => key === "audioToVisual.r1");
    expect(groups?.groups.map(({ interval }) => interval)).toMatchObject([missed(13), missed(13)]);
  });

  it("in classification; what is ranked perfectly says no interval, anywhere", () => {
    const labels = Int32Array.from(ids, (_, i) => i % 2);
    const probabilities = matrix(26, 2);
    for (let i = 0; i < 26; i++) probabilities.data[2 * i + labels[i]] = 1;
    const result = classification({ kinds: ["a", "b"], probabilities, labels, intervals: quick });
    expect(result.intervals.accuracy).toMatchObject(hit(26));
    const made = { head: "classification", result } as const;
    const known = Object.fromEntries(figuresOf(made).map(({ key, interval }) => [key, interval !== undefined]));
    expect(known).toMatchObject({ accuracy: true, mAP: false, auc: false });
    const groups = groupFigures(made, ids, (id) => id.slice(5, 6), "column", { permutations: 5, intervals: quick });
    const results = { title: "t", about: [], sections: [{ ...sectionOf(made), groups }] };
    expect(resultsText(results)).not.toContain("100.0–100.0");
    const [scores] = JSON.parse(resultsMteb(results, "test")).tasks[0].scores.test;
    expect([scores.intervals.auc, scores.groups.scores.auc.groups["1"].interval]).toEqual([null, null]);
    expect(scores.intervals.accuracy).toEqual([expect.closeTo(farEnd[26], 4), 1]);
  });

  it("over episodes of few shots; by group, as many clips of every class as the rarest has", () => {
    const rows = (count: number) => {
      const labels = Int32Array.from({ length: count }, (_, i) => (i < 5 || (i >= 10 && i % 2 === 0) ? 0 : 1));
      const data = Float32Array.from({ length: 2 * count }, (_, at) => (at % 2 === labels[at >> 1] ? 1 : 0.1));
      return { features: matrix(count, 2, data), labels };
    };
    const result = fewShot({
      ...{ kinds: ["a", "b"], train: rows(20), test: rows(26), shots: [1], episodes: 100 },
      intervals: quick,
    });
    expect(result.shots[0]).toMatchObject({ accuracy: 1, interval: hit(100) });
    // The first ten hold five of each, the others eight of each: 13 of each but for three more of the first class.
    const few = groupFigures(
      { head: "few-shot", result },
      ids,
      (id) => (Number(id.slice(5)) < 10 ? "first" : "rest"),
      "column",
      { permutations: 5, intervals: quick },
    ).figures[0].groups;
    expect(few.map(({ clips, interval }) => [clips, interval])).toMatchObject([
      [10, hit(10)],
      [16, { high: 1, low: expect.closeTo(0.025 ** (1 / 16), 6) }],
    ]);
    const uneven = groupFigures(
      { head: "few-shot", result },
      ids,
      (id) => (Number(id.slice(5)) < 8 ? "first" : "rest"),
      "column",
      { permutations: 5, intervals: quick },
    ).figures[0].groups;
    // Five of one class and three of the other: six count.
    expect(uneven[0]).toMatchObject({ clips: 8, interval: { low: expect.closeTo(0.025 ** (1 / 6), 6) } });
  });

  it("in localization, a clip with all its steps as one", async () => {
    const map = matrix(2, 2, Float32Array.of(1, 0, 1, 0));
    const made = (x: number) =>
      localization({
        picture: { width: 4, height: 4 },
        clips: Array.from({ length: 20 }, (_, id) => ({
          id: String(id),
          steps: [0, 1].map(() => ({ map, boxes: [{ x, y: 0, width: 2, height: 4 }] })),
        })),
        intervals: quick,
      });
    const [right, wrong] = [await made(0), await made(2)];
    expect(right.ciou50).toBe(1);
    expect(right.intervals.ciou50).toMatchObject(hit(20));
    expect(right.pixelAPInterval).toMatchObject(hit(20));
    expect(wrong.intervals).toMatchObject({ ciou50: missed(20) });
  });

  it("on VGGSounder: hits, F1 and confusions", () => {
    const kinds = ["a", "b", "c"];
    const saying = (kind: number) => {
      const said = matrix(26, 3);
      for (let clip = 0; clip < 26; clip++) said.data[3 * clip + kind] = 1;
      return said;
    };
    const clips = ids.map(() => ({
      ...{ labels: { a: "AV", b: "AV" } as const, backgroundMusic: false, staticImage: false, voiceOver: false },
    }));
    const result = vggSounder({
      ...{ kinds, clips, intervals: quick },
      scores: { audio: saying(0), visual: saying(2), both: saying(1) },
    });
    expect(result.given.audio.intervals.hitRate).toMatchObject(hit(26));
    // 26 hits of 26 said and 52 wanted.
    expect(result.given.audio.f1).toBeCloseTo(2 / 3, 12);
    expect(result.given.audio.intervals.f1.low).toBeCloseTo((2 / 3) * farEnd[26], 4);
    expect(result.given.audio.intervals.f1.high).toBeCloseTo(2 / 3, 12);
    expect(result.given.visual.intervals.f1.high).toBeCloseTo((2 / 3) * (1 - farEnd[26]), 4);
    expect(result.confusion.any.interval).toMatchObject(missed(26));
    const { figures } = groupFigures(
      { head: "vggsounder", result },
      ids,
      (id) => (Number(id.slice(5)) < 13 ? "a" : "b"),
      "column",
      { permutations: 5, intervals: quick },
    );
    const of = (key: string) => figures.find((one) => one.key === key)?.groups[0].interval;
    expect(of("audio.hitRate")).toMatchObject(hit(13));
    expect(of("visual.f1")?.high).toBeCloseTo((2 / 3) * (1 - farEnd[13]), 4);
    expect(of("confusion.each")).toMatchObject(missed(13));
  });

  it("in groups of values that are 0 or 1, not of others", () => {
    const options = { permutations: 5, intervals: quick };
    const groups = ids.map((_, i) => (i < 13 ? "a" : "b"));
    const rng = createRng("by group");
    expect(
      byGroup(
        ids.map((_, i) => (i < 13 ? 1 : i % 2)),
        groups,
        options,
      ).groups[0].interval,
    ).toMatchObject(hit(13));
    const errors = byGroup(
      ids.map((_, i) => (i < 13 ? 1 : rng.uniform())),
      groups,
      options,
    );
    expect(errors.groups[0].interval).toMatchObject({ low: 1, high: 1, resamples: 50 });
  });

  it("in differences of arms, over clips; of scores that are no shares nothing is known of the ends", () => {
    const run = (score: number) => [{ seed: 1, value: score, clips: Object.fromEntries(ids.map((id) => [id, score])) }];
    const over = (one: number, other: number) => pairedDifference(run(one), run(other))?.overClips?.interval;
    expect(over(1, 1)?.low).toBeCloseTo(farEnd[26] - 1, 4);
    expect(over(1, 1)?.high).toBeCloseTo(1 - farEnd[26], 4);
    expect(over(1, 0)?.low).toBeCloseTo(2 * farEnd[26] - 1, 3);
    expect(over(1, 0)?.high).toBe(1);
    expect(over(0.7, 0.4)).toMatchObject({ resamples: 1000 });
  });
});
