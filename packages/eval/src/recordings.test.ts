import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { bootstrap, jackknife, meanOf, resamplesOf } from "./bootstrap.js";
import { classification } from "./classification/classification.js";
import { tagging } from "./classification/tagging.js";
import { studentQuantile } from "./comparison/t-interval.js";
import { byGroup } from "./groups/by-group.js";
import { detection } from "./localization/detection.js";
import { matrix } from "./matrix.js";
import { pairedPermutation } from "./permutation.js";
import { recordingNumbers } from "./recordings.js";
import { retrieval } from "./retrieval/retrieval.js";
import { intervalWhereAlike } from "./where-alike.js";

/** Three recordings, of two clips, one and three. */
const few = { values: [1, 0, 1, 1, 0, 0], recordings: recordingNumbers(["a", "a", "b", "c", "c", "c"]) };

/** Recordings of 1–8 clips that are alike in what they share, which is 0 on average. */
function made(name: string, count: number) {
  const rng = createRng(name);
  const [values, recordings]: [number[], number[]] = [[], []];
  for (let recording = 0; recording < count; recording++) {
    const shared = rng.normal();
    for (let clips = 1 + rng.integer(8); clips > 0; clips--) {
      values.push(shared + 0.5 * rng.normal());
      recordings.push(recording);
    }
  }
  return { values, recordings };
}

describe("intervals by recording", () => {
  it("draw whole recordings, as many as there are", () => {
    const { recordings } = few;
    const drawn = Array.from(resamplesOf(6, { recordings }), (counts) => counts.slice());
    for (const [a, again, b, ...c] of drawn) {
      expect([again, c]).toEqual([a, [c[0], c[0], c[0]]]);
      expect(a + b + c[0]).toBe(3);
    }
    expect(new Set(drawn.map((counts) => counts.join())).size).toBe(10);
    // Student's ends of three are so far out that they are those of all resamples: one recording, thrice.
    expect(bootstrap(6, { mean: meanOf(few.values) }, { recordings }).mean).toMatchObject({ low: 1 / 3, high: 1 });
  });

  it("are those of a ratio of sums over recordings (Cochran 1977, §2.11)", () => {
    const { values, recordings } = made("ratio", 60);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const rests = new Float64Array(60);
    for (const [clip, value] of values.entries()) rests[recordings[clip]] += value - mean;
    const squares = rests.reduce((sum, rest) => sum + rest * rest, 0);
    const half = (studentQuantile(59, 0.95) * Math.sqrt((60 / 59) * squares)) / values.length;
    const drawn = bootstrap(values.length, { mean: meanOf(values) }, { recordings, resamples: 4000 }).mean;
    expect(Math.abs(drawn.low - (mean - half))).toBeLessThan(0.15 * half);
    expect(Math.abs(drawn.high - (mean + half))).toBeLessThan(0.15 * half);
    const byClip = bootstrap(values.length, { mean: meanOf(values) }).mean;
    expect(byClip.high - byClip.low).toBeLessThan(0.7 * (drawn.high - drawn.low));
  });

  it("leave whole recordings out: by hand with NumPy, SciPy's t and scikit-learn's LeaveOneGroupOut", () => {
    const mean = meanOf(few.values);
    const left = jackknife(6, (counts) => ({ mean: mean(counts) }), few).mean;
    const close = (low: number, high: number, resamples: number) => ({
      ...{ low: expect.closeTo(low, 6), high: expect.closeTo(high, 6), resamples },
    });
    expect(left).toMatchObject(close(0.06433184, 0.93566816, 3));
    const scores = matrix(10, 1, Float32Array.of(0.9, 0.4, 0.8, 0.3, 0.7, 0.2, 0.6, 0.1, 0.5, 0.35));
    const targets = matrix(10, 1, Float32Array.of(1, 0, 1, 1, 0, 0, 1, 0, 0, 1));
    const recordings = [3, 3, 1, 7, 7, 7, 1, 2, 5, 5];
    const result = tagging({ kinds: ["bell"], scores, targets, intervals: { recordings } });
    expect(result.recordings).toBe(5);
    expect(result.intervals.auc).toMatchObject(close(0.17207295, 0.96952589, 5));
    expect(result.intervals.mAP).toMatchObject(close(0.12518247, 0.98990425, 5));
  });

  it("hold the truth 93–97 % of the time; clip by clip they do not", () => {
    const held = { byRecording: 0, byClip: 0 };
    for (let set = 0; set < 600; set++) {
      const { values, recordings } = made(`set ${set}`, 40);
      const of = (options: { readonly recordings?: readonly number[] }) => {
        const drawing = { ...options, resamples: 300, rng: createRng(set) };
        const { low, high } = bootstrap(values.length, { mean: meanOf(values) }, drawing).mean;
        return low <= 0 && 0 <= high ? 1 / 600 : 0;
      };
      held.byRecording += of({ recordings });
      held.byClip += of({});
    }
    expect(held.byRecording).toBeGreaterThan(0.93);
    expect(held.byRecording).toBeLessThan(0.97);
    expect(held.byClip).toBeLessThan(0.75);
  });

  it("are bit by bit those of clips where each is of its own recording", () => {
    const rng = createRng("own");
    const [N, D] = [30, 3];
    const rows = () =>
      matrix(
        N,
        D,
        Float32Array.from({ length: N * D }, () => rng.uniform() + 0.1),
      );
    const own = { recordings: Int32Array.from({ length: N }, (_, clip) => 7 * N - 5 * clip) };
    const [audio, visual, probabilities] = [rows(), rows(), rows()];
    const labels = Int32Array.from({ length: N }, () => rng.integer(D));
    const kinds = ["a", "b", "c"];
    const inputs = { kinds, probabilities, labels };
    expect(classification({ ...inputs, intervals: own })).toEqual(classification(inputs));
    expect(retrieval({ audio, visual, intervals: own })).toEqual(retrieval({ audio, visual }));
    const groups = Array.from(labels, (label) => kinds[label]);
    expect(byGroup(audio.data.subarray(0, N), groups, { intervals: own })).toEqual(
      byGroup(audio.data.subarray(0, N), groups),
    );
    const [one, other] = [audio.data.subarray(0, N), visual.data.subarray(0, N)];
    expect(pairedPermutation(one, other, own)).toEqual(pairedPermutation(one, other));
  });

  it("do not exist for one recording of several clips", () => {
    const recordings = new Int32Array(6);
    const mean = meanOf(few.values);
    const none = { low: Number.NaN, high: Number.NaN, level: 0.95, resamples: 0 };
    expect(bootstrap(6, { mean }, { recordings }).mean).toEqual(none);
    expect(jackknife(6, (counts) => ({ mean: mean(counts) }), { recordings }).mean).toEqual(none);
    expect(intervalWhereAlike(new Float64Array(6), [0, 1], 0.95, recordings)).toBeUndefined();
    const rows = matrix(3, 2, Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.6, 0.4));
    const { intervals } = classification({
      ...{ kinds: ["a", "b"], probabilities: rows, labels: [0, 1, 1] },
      intervals: { recordings: new Int32Array(3) },
    });
    expect(Object.values(intervals).map(({ low, high }) => [low, high])).toEqual(
      new Array(5).fill([Number.NaN, Number.NaN]),
    );
  });

  it("do not exist where a figure stands on one clip, or on one recording: without it there is nothing to tell apart", () => {
    const scores = matrix(6, 1, Float32Array.of(0.9, 0.4, 0.8, 0.3, 0.7, 0.2));
    const of = (targets: readonly number[], recordings?: readonly number[]) => {
      const given = { kinds: ["bell"], scores, targets: matrix(6, 1, Float32Array.from(targets)) };
      const { auc, intervals, warnings } = tagging({ ...given, intervals: { recordings } });
      return [auc, Number.isNaN(intervals.auc.low), Number.isNaN(intervals.mAP.high), warnings];
    };
    const told = (one: string) => [
      `mAP, AUC and d-prime have no interval: without one ${one} there would be nothing to tell apart`,
    ];
    expect(of([1, 0, 0, 0, 0, 0])).toEqual([1, true, true, told("clip")]);
    expect(of([0, 1, 0, 1, 0, 0])).toEqual([0.25, false, false, []]);
    expect(of([0, 1, 0, 1, 0, 0], [0, 1, 2, 1, 3, 4])).toEqual([0.25, true, true, told("recording")]);
    // Here all that is negative is in one.
    expect(of([1, 1, 0, 1, 1, 0], [0, 1, 2, 3, 4, 2])).toEqual([0.625, true, true, told("recording")]);
    const seen = (confidence: number) => [{ confidence, overlaps: { model: 0.7, random: 0.1 } }];
    const unseen = (confidence: number) => [{ confidence, overlaps: undefined }];
    const ends = (clips: Parameters<typeof detection>[0]) =>
      Object.values(detection(clips)?.presence.intervals ?? {}).map(({ low }) => Number.isNaN(low));
    expect(ends([seen(0.9), unseen(0.95), unseen(0.3)])).toEqual([true, true]);
    expect(ends([seen(0.9), seen(0.5), unseen(0.6)])).toEqual([true, true]);
    expect(ends([seen(0.9), seen(0.5), unseen(0.6), unseen(0.2)])).toEqual([false, false]);
  });

  it("count a recording once where all clips are alike: 0.025^(1/3) of six hits in three", () => {
    const { low, high } = intervalWhereAlike(new Float64Array(6).fill(1), [0, 1], 0.95, few.recordings) ?? {};
    expect(low).toBeCloseTo(0.29240177, 8);
    expect(high).toBe(1);
  });

  it("refuse recordings of other clips with words", () => {
    expect(() => bootstrap(6, {}, { recordings: [1, 2] })).toThrow(
      "intervals by recording: there are 6 clips, and recordings of 2. Give the number of a recording for every clip",
    );
  });
});

describe("permutations by recording", () => {
  it("flip all of a recording's pairs together: 1 + 2 and 1.5 have four flips", () => {
    const zeros = [0, 0, 0];
    const recordings = [4, 4, 9];
    expect(pairedPermutation([1, 2, 1.5], zeros, { recordings })).toMatchObject({ difference: 1.5, p: 0.5 });
    expect(pairedPermutation([1, 2, -1.5], zeros, { recordings })).toMatchObject({ p: 1, permutations: 4 });
    expect(pairedPermutation([1, 2, 1.5], zeros).p).toBe(0.25);
  });

  it("deal whole recordings to groups: four recordings have six dealings, two of them as far apart", () => {
    const values = [1, 1, 1, 1, 0, 0, 0, 0];
    const groups = values.map((value) => (value === 1 ? "near" : "far"));
    const recordings = [0, 0, 1, 1, 2, 2, 3, 3];
    const { p, gap } = byGroup(values, groups, { permutations: 4000, intervals: { recordings } });
    expect([gap, Math.abs(p - 1 / 3) < 0.025]).toEqual([1, true]);
    // Clip by clip they have seventy.
    expect(byGroup(values, groups, { permutations: 4000 }).p).toBeLessThan(0.04);
  });
});
