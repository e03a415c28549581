import { createRng, type Rng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import type { Interval } from "./bootstrap.js";
import { averageFrames } from "./classification/average-frames.js";
import { calibration, calibrationInterval } from "./classification/calibration.js";
import { classification } from "./classification/classification.js";
import { pairedDifference } from "./comparison/paired-difference.js";
import { coverage, expectCovered, intervals, meanOver, once } from "./coverage.test.support.js";
import { inpainting } from "./inpainting/inpainting.js";
import { sightingFigures, sightingScores } from "./localization/detection.js";
import { type LocalizationClip, localization } from "./localization/localization.js";
import { matrix } from "./matrix.js";
import { retrieval } from "./retrieval/retrieval.js";

/**
 * Intervals hold what they promise: over many made sets, whose clips are correlated within themselves (frames, time
 * steps, patches) and through the gallery, a 95 % interval holds the true figure 93–97 % of the time.
 */

describe("95 % intervals hold the truth 93–97 % of the time", { timeout: 600_000 }, () => {
  it("classification: ten frames of a clip, alike", async () => {
    const [C, frames] = [2, 3];
    const measure =
      (clips: number, quick = false) =>
      (rng: Rng) => {
        const rows = matrix(clips * frames, C);
        const labels = new Int32Array(clips);
        for (let clip = 0; clip < clips; clip++) {
          labels[clip] = rng.integer(C);
          const common = Array.from({ length: C }, (_, c) => (c === labels[clip] ? 1 : 0) + rng.normal());
          for (let frame = 0; frame < frames; frame++) {
            const e = common.map((value) => Math.exp(value + 0.5 * rng.normal()));
            const sum = e.reduce((total, value) => total + value);
            rows.data.set(
              e.map((value) => value / sum),
              (clip * frames + frame) * C,
            );
          }
        }
        const kinds = ["a", "b"];
        const probabilities = averageFrames(rows, frames);
        const made = classification({ kinds, labels, probabilities, intervals: quick ? once : intervals(rng) });
        const figure = (value: number | null, interval: Interval) => ({ value: value ?? Number.NaN, interval });
        return {
          accuracy: figure(made.accuracy, made.intervals.accuracy),
          mAP: figure(made.mAP, made.intervals.mAP),
          auc: figure(made.auc, made.intervals.auc),
          dPrime: figure(made.dPrime, made.intervals.dPrime),
          calibration: figure(made.calibration.error, made.intervals.calibration),
        };
      };
    const large = await meanOver(1, measure(60_000, true));
    // The calibration error is that of as many clips, as its protocol says.
    const { calibration } = await meanOver(2000, measure(150, true));
    expectCovered(await coverage(800, { ...large, calibration }, measure(150)));
  });

  it.each([
    ["calibrated", 0.5, (sure: number) => sure],
    ["too sure", 0.5, (sure: number) => sure - 0.2],
    ["too sure where it is sure", 0.2, (sure: number) => (sure > 0.7 ? sure - 0.15 : sure)],
  ])("calibration error of a model that is %s, with 150 and 600 clips", (_, least, isRight) => {
    for (const clips of [150, 600]) {
      const drawn = (rng: Rng) => {
        const confidence = Float64Array.from({ length: clips }, () => least + (1 - least) * rng.uniform());
        return { confidence, correct: confidence.map((sure) => (rng.uniform() < isRight(sure) ? 1 : 0)) };
      };
      const sets = 1000;
      let [truth, held] = [0, 0];
      for (let set = 0; set < 3000; set++) {
        const { confidence, correct } = drawn(createRng(`truth ${set}`));
        truth += calibration(confidence, correct).error / 3000;
      }
      for (let set = 0; set < sets; set++) {
        const rng = createRng(`set ${set}`);
        const { confidence, correct } = drawn(rng);
        const { low, high } = calibrationInterval(confidence, correct, intervals(rng));
        if (low <= truth && truth <= high) held += 1 / sets;
      }
      expectCovered({ [`${clips} clips`]: held });
    }
  });

  /** Retrieval of 120 clips in a gallery with hubs; partners are the less alike, the louder the noise. */
  const retrieved =
    (loudest: number, quick = false) =>
    (rng: Rng) => {
      const [N, D] = [120, 6];
      const [audio, visual] = [matrix(N, D), matrix(N, D)];
      for (let clip = 0; clip < N; clip++) {
        const noise = loudest * rng.uniform();
        for (let k = clip * D; k < (clip + 1) * D; k++) {
          const common = rng.normal() + 0.5;
          audio.data[k] = common + noise * rng.normal();
          visual.data[k] = common + noise * rng.normal();
        }
      }
      const { audioToVisual: one } = retrieval({ audio, visual, intervals: quick ? once : intervals(rng) });
      const figure = (name: "r1" | "r5" | "r10" | "medianRank") => ({
        value: one[name],
        interval: one.intervals[name],
      });
      return { r1: figure("r1"), r5: figure("r5"), r10: figure("r10"), medianRank: figure("medianRank") };
    };

  it("retrieval: queries that share a gallery with hubs", async () => {
    const { medianRank: _few, ...truth } = await meanOver(600, retrieved(1.4, true));
    expectCovered(await coverage(600, truth, retrieved(1.4)));
    // Median ranks of some tens, with neighbours enough that a whole number is fine.
    const { medianRank } = await meanOver(600, retrieved(4, true));
    expectCovered(await coverage(600, { medianRank }, retrieved(4)));
  });

  it("a median rank of few: whole numbers allow no exact share", async () => {
    // With its ends the interval holds the rank often enough; without them not too often: no end could be moved by one.
    const sets = 1000;
    const ranks = Array.from({ length: sets }, (_, set) => retrieved(1.4, true)(createRng(`truth ${set}`)).medianRank);
    const truth = ranks.map(({ value }) => value).sort((a, b) => a - b)[sets / 2];
    expect(truth).toBe(4);
    let [closed, open] = [0, 0];
    for (let set = 0; set < sets; set++) {
      const { low, high } = retrieved(1.4)(createRng(`set ${set}`)).medianRank.interval;
      if (low <= truth && truth <= high) closed += 1 / sets;
      if (low < truth && truth < high) open += 1 / sets;
    }
    expect(closed).toBeGreaterThan(0.93);
    expect(open).toBeLessThan(0.97);
  });

  it("inpainting: hidden patches of a clip, all hard or all easy", async () => {
    const [N, P, K] = [5, 3, 2];
    const unit = { name: "u", deviation: [1], peak: 4 };
    const batch = (clips: number, rng: Rng) => {
      const target = new Float32Array(clips * N * P);
      const predicted = new Float32Array(clips * N * P);
      for (let clip = 0; clip < clips; clip++) {
        const [scale, hard] = [0.6 + rng.uniform(), 0.4 + rng.uniform()];
        for (let i = clip * N * P; i < (clip + 1) * N * P; i++) {
          target[i] = scale * rng.normal();
          predicted[i] = target[i] + hard * scale * rng.normal();
        }
      }
      const places = (from: number, to: number) => ({
        shape: [clips, to - from],
        data: Int32Array.from({ length: clips * (to - from) }, (_, i) => from + (i % (to - from))),
      });
      const shape = [clips, N, P];
      return {
        ...{ target: { shape, data: target }, predicted: { shape, data: predicted } },
        ...{ visible: places(0, K), hidden: places(K, N) },
      };
    };
    const measure =
      (clips: number, quick = false) =>
      async (rng: Rng) => {
        const { audio } = await inpainting({
          batches: [{ audio: batch(clips, rng), visual: batch(2, rng) }],
          ...{ targets: "raw", units: { audio: unit, visual: unit }, intervals: quick ? once : intervals(rng) },
        });
        const figure = (name: "mse" | "meanFill" | "gain" | "psnr") => ({
          value: audio[name] ?? Number.NaN,
          interval: audio.intervals[name],
        });
        return { mse: figure("mse"), meanFill: figure("meanFill"), gain: figure("gain"), psnr: figure("psnr") };
      };
    expectCovered(await coverage(800, await meanOver(1, measure(50_000, true)), measure(150)));
  });

  it("localization: the steps of a clip", async () => {
    const picture = { width: 4, height: 4 };
    const measure =
      (clips: number, quick = false) =>
      async (rng: Rng) => {
        const made = Array.from({ length: clips }, (_, id): LocalizationClip => {
          const skill = 1.5 * rng.uniform();
          const step = () => {
            const left = rng.uniform() < 0.5;
            const map = matrix(2, 2);
            for (let at = 0; at < 4; at++) map.data[at] = rng.normal() + ((at % 2 === 0) === left ? skill : 0);
            return { map, boxes: [{ x: left ? 0 : 2, y: 0, width: 2, height: 4 }] };
          };
          return { id: String(id), steps: [step(), step()] };
        });
        const result = await localization({ picture, clips: made, intervals: quick ? once : intervals(rng) });
        const figure = (value: number, interval: Interval) => ({ value, interval });
        return {
          ciou50: figure(result.ciou50, result.intervals.ciou50),
          auc: figure(result.auc, result.intervals.auc),
          ciou: figure(result.ciou, result.intervals.ciou),
          pixelAP: figure(result.pixelAP, result.pixelAPInterval),
        };
      };
    expectCovered(await coverage(600, await meanOver(1, measure(30_000, true)), measure(80)));
  });

  // A jackknife computes every figure once a clip, which takes minutes where a processor is slow.
  it.each([120, 250])(
    "detection: maps of a clip with and without a visible source, %i clips",
    { timeout: 900_000 },
    async (clips) => {
      const drawn = (rng: Rng) =>
        Array.from({ length: clips }, () => {
          const [skill, bias] = [0.8 * rng.uniform(), rng.normal()];
          return [true, true, true, false, false].map((shown) => ({
            confidence: bias + (shown ? 1 : 0) + 0.5 * rng.normal(),
            overlaps: shown ? { model: rng.uniform() < 0.2 + skill ? 0.7 : 0.3, random: 0 } : undefined,
          }));
        });
      const tasks = ["presence", "located"] as const;
      const sets = 1000;
      const truth: Record<string, number> = {};
      for (let set = 0; set < sets; set++) {
        const made = drawn(createRng(`truth ${set}`));
        for (const task of tasks) {
          for (const [name, value] of Object.entries(sightingFigures(made, task))) {
            truth[`${task}, ${name}`] = (truth[`${task}, ${name}`] ?? 0) + value / sets;
          }
        }
      }
      const measure = (rng: Rng) => {
        const clips = drawn(rng);
        const figures = tasks.flatMap((task) => {
          const made = sightingScores(clips, task, intervals(rng));
          return (["averagePrecision", "maxF1"] as const).map(
            (name) => [`${task}, ${name}`, { value: made[name], interval: made.intervals[name] }] as const,
          );
        });
        return Object.fromEntries(figures);
      };
      // Average precision and the best of all thresholds are those of as many clips, as the protocols say.
      expectCovered(await coverage(800, truth, measure));
    },
  );

  it("arms: seeds that are pairs, and clips that are pairs", async () => {
    const [clips, seeds] = [60, 5];
    const held = await coverage(600, { overSeeds: 0.3, overClips: 0.3 }, (rng) => {
      const hardness = Array.from({ length: clips }, () => 2 * rng.normal());
      const gains = hardness.map(() => 0.3 + rng.normal());
      const run = (seed: number, luck: number, gain: (clip: number) => number) => {
        const scores = hardness.map((hard, clip) => hard + luck + gain(clip));
        const value = scores.reduce((sum, score) => sum + score, 0) / clips;
        return { seed, value, clips: Object.fromEntries(scores.map((score, clip) => [`clip ${clip}`, score])) };
      };
      const lucks = Array.from({ length: seeds }, () => rng.normal());
      const base = lucks.map((luck, seed) => run(seed, luck, () => 0));
      // Over clips the trained models stand still; over seeds the clips do.
      const byClip = pairedDifference(
        lucks.map((luck, seed) => run(seed, luck, (clip) => gains[clip])),
        base,
      )!.overClips!;
      const bySeed = pairedDifference(
        lucks.map((luck, seed) => {
          const gain = 0.3 + 0.5 * rng.normal();
          return run(seed, luck, () => gain);
        }),
        base,
      )!.overSeeds;
      const half = bySeed.half!;
      const between = { low: bySeed.mean - half, high: bySeed.mean + half, level: bySeed.level, resamples: 0 };
      return {
        overClips: { value: byClip.mean, interval: byClip.interval },
        overSeeds: { value: bySeed.mean, interval: between },
      };
    });
    expectCovered(held);
  });
});
