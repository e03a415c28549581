import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { chanceAveragePrecision } from "./classification/chance.js";
import { type ClassificationResult, classification } from "./classification/classification.js";
import { type TaggingResult, tagging } from "./classification/tagging.js";
import { meanFillPatch } from "./inpainting/hidden-error.js";
import { type InpaintingResult, inpainting } from "./inpainting/inpainting.js";
import { type LocalizationClip, type LocalizationResult, localization } from "./localization/localization.js";
import { plainIoU } from "./localization/scoring.js";
import { matrix } from "./matrix.js";
import { type ResultSection, sectionOf } from "./report/results/section.js";
import { type RetrievalResult, retrieval } from "./retrieval/retrieval.js";

/** Every baseline is what a predictor that knows nothing scores: here one is let loose, again and again. */

const quick = { resamples: 1 };
const rng = createRng("random predictor");

/** A head's result as it is printed. */
const of = {
  classification: (result: ClassificationResult) => sectionOf({ head: "classification", result }),
  tagging: (result: TaggingResult) => sectionOf({ head: "tagging", result }),
  retrieval: (result: RetrievalResult) => sectionOf({ head: "retrieval", result }),
  inpainting: (result: InpaintingResult) => sectionOf({ head: "inpainting", result }),
  localization: (result: LocalizationResult) => sectionOf({ head: "localization", result }),
};

/** Mean of a figure and of its baseline over many runs of a random predictor. */
function meansOf(sections: readonly ResultSection[]): Map<string, { value: number; baseline: number }> {
  const means = new Map<string, { value: number; baseline: number }>();
  for (const { figures } of sections) {
    for (const { name, value, baseline } of figures) {
      if (value === null || baseline?.value === null || baseline === undefined) continue;
      const known = means.get(name) ?? { value: 0, baseline: 0 };
      known.value += value / sections.length;
      known.baseline += baseline.value / sections.length;
      means.set(name, known);
    }
  }
  return means;
}
const runs = <T>(count: number, one: (run: number) => T): T[] => Array.from({ length: count }, (_, run) => one(run));

describe("a random predictor scores the baseline", () => {
  it("chance of average precision: the mean over all orders", () => {
    for (const [hits, total] of [
      [1, 5],
      [2, 6],
      [5, 7],
    ]) {
      const mean = runs(20_000, () => {
        const order = rng.permutation(total);
        let [found, sum] = [0, 0];
        order.forEach((item, place) => {
          if (item < hits) sum += ++found / (place + 1);
        });
        return sum / hits / 20_000;
      }).reduce((sum, value) => sum + value, 0);
      expect(chanceAveragePrecision(hits, total)).toBeCloseTo(mean, 2);
    }
    expect(chanceAveragePrecision(1, 100)).toBeCloseTo(0.05187, 5);
    expect(chanceAveragePrecision(7, 7)).toBe(1);
  });

  it("classification: mAP, AUC, d-prime; accuracy of always saying the majority", () => {
    const kinds = ["a", "b", "c"];
    const labels = Array.from({ length: 41 }, (_, i) => (i < 20 ? 0 : i < 37 ? 1 : 2));
    const scored = (fill: (place: number) => number) =>
      of.classification(
        classification({
          ...{ kinds, labels, intervals: quick },
          probabilities: matrix(
            41,
            3,
            Float32Array.from({ length: 41 * 3 }, (_, place) => fill(place)),
          ),
        }),
      );
    const means = meansOf(runs(400, () => scored(() => rng.uniform())));
    expect(means.get("mAP")!.value).toBeCloseTo(means.get("mAP")!.baseline, 1.7);
    expect(means.get("AUC")!.value).toBeCloseTo(0.5, 1.5);
    expect(means.get("d-prime")!.value).toBeCloseTo(0, 1);
    const [accuracy] = scored((place) => (place % 3 === 0 ? 1 : 0)).figures;
    expect(accuracy.value).toBe(accuracy.baseline?.value);
  });

  it("tagging: mAP where positives are few", () => {
    const targets = matrix(
      60,
      2,
      Float32Array.from({ length: 120 }, (_, i) => (i % 2 === 0 ? Number(i === 0) : Number(i < 9))),
    );
    const made = runs(600, () =>
      of.tagging(
        tagging({
          ...{ kinds: ["a", "b"], targets, intervals: quick },
          scores: matrix(
            60,
            2,
            Float32Array.from({ length: 120 }, () => rng.uniform()),
          ),
        }),
      ),
    );
    const { value, baseline } = meansOf(made).get("mAP")!;
    expect(Math.abs(value - baseline)).toBeLessThan(0.01);
    // The share of positives, 1 and 4 of 60, would have said 0.042.
    expect(baseline).toBeGreaterThan(0.08);
  });

  it("calibration: a calibrated model has the error it stands beside", () => {
    const made = runs(200, () => {
      const probabilities = matrix(50, 2);
      const labels = new Int32Array(50);
      for (let i = 0; i < 50; i++) {
        const first = 0.5 + 0.5 * rng.uniform();
        probabilities.data.set([first, 1 - first], 2 * i);
        labels[i] = rng.uniform() < first ? 0 : 1;
      }
      return of.classification(classification({ kinds: ["a", "b"], probabilities, labels, intervals: quick }));
    });
    const { value, baseline } = meansOf(made).get("calibration error")!;
    expect(Math.abs(value - baseline)).toBeLessThan(0.01);
    expect(baseline).toBeGreaterThan(0.1);
  });

  it("retrieval: recalls and median rank in both directions", () => {
    const random = () =>
      matrix(
        23,
        5,
        Float32Array.from({ length: 115 }, () => rng.normal()),
      );
    const made = runs(600, () => of.retrieval(retrieval({ audio: random(), visual: random(), intervals: quick })));
    for (const [name, { value, baseline }] of meansOf(made)) {
      expect([name, Math.abs(value - baseline) < (name.endsWith("rank") ? 0.5 : 0.02)]).toEqual([name, true]);
    }
  });

  it("inpainting: filling with the mean scores mean fill, in error and in decibels", async () => {
    const [N, P] = [6, 4];
    const values = () => Float32Array.from({ length: N * P }, () => rng.normal());
    const one = () => {
      const data = values();
      const predicted = new Float32Array(N * P);
      const fill = meanFillPatch(data, [0, 1], P);
      for (let place = 0; place < N; place++) predicted.set(fill, place * P);
      return {
        target: { shape: [1, N, P], data },
        predicted: { shape: [1, N, P], data: predicted },
        visible: { shape: [1, 2], data: Int32Array.of(0, 1) },
        hidden: { shape: [1, 4], data: Int32Array.of(2, 3, 4, 5) },
      };
    };
    const unit = { name: "u", deviation: [1] };
    const result = await inpainting({
      ...{ batches: runs(7, () => ({ audio: one(), visual: one() })), targets: "raw", intervals: quick },
      units: { audio: unit, visual: unit },
    });
    for (const { value, baseline } of of.inpainting(result).figures) expect(value).toBeCloseTo(baseline!.value!, 10);
  });

  describe("localization", () => {
    const picture = { width: 40, height: 40 };
    const grid = { rows: 4, columns: 4 };
    const randomMap = () =>
      matrix(
        4,
        4,
        Float32Array.from({ length: 16 }, () => rng.normal()),
      );
    const box = () => ({ x: 40 * rng.uniform() - 8, y: 40 * rng.uniform() - 8, width: 22, height: 26 });

    it("random maps with random confidence: pixel AP, presence, located", async () => {
      const clips = (run: number): LocalizationClip[] =>
        runs(60, (at) => {
          const own = { map: randomMap(), confidence: rng.uniform(), boxes: [box()] };
          const silent = { map: randomMap(), confidence: rng.uniform(), boxes: [] };
          return { id: `${run}/${at}`, steps: [own, silent] };
        });
      const made: ResultSection[] = [];
      for (let run = 0; run < 60; run++) {
        made.push(of.localization(await localization({ picture, clips: clips(run), intervals: quick })));
      }
      const means = meansOf(made);
      for (const name of ["pixel AP", "presence, AP", "presence, best F1", "located, AP", "located, best F1"]) {
        const { value, baseline } = means.get(name)!;
        expect([name, Math.abs(value - baseline) < 0.015]).toEqual([name, true]);
      }
      // Half of the maps have a source: one half of always being right is no chance of also pointing right.
      expect(means.get("located, AP")!.baseline).toBeLessThan(0.1);
      expect(means.get("presence, AP")!.baseline).toBeGreaterThan(0.5);
    });

    it("a map of the centre box scores the centre box", async () => {
      const centre = matrix(
        4,
        4,
        Float32Array.from({ length: 16 }, (_, at) => ([5, 6, 9, 10].includes(at) ? 1 : 0)),
      );
      const clips = runs(9, (at) => ({ id: String(at), steps: [{ map: centre, boxes: [box()] }] }));
      const { figures } = of.localization(await localization({ picture, grid, clips, scoring: plainIoU }));
      for (const { name, value, baseline } of figures.filter((one) => one.baseline?.name === "centre box")) {
        expect([name, value]).toEqual([name, baseline!.value]);
      }
    });
  });
});
