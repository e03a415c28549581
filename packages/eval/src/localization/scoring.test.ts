import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { averagePrecision } from "../classification/average-precision.js";
import { rank } from "../classification/ranked.js";
import { matrix } from "../matrix.js";
import { localizationProtocols } from "./localization-protocols.js";
import {
  aboveMedian,
  consensusIoU,
  ezVsl,
  pixelAveragePrecision,
  plainIoU,
  type Scoring,
  successArea,
} from "./scoring.js";

describe("scoring", () => {
  it("takes the upper half of a picture", () => {
    expect(Array.from(aboveMedian(matrix(2, 3, Float32Array.of(5, 1, 4, 2, 6, 3))).data)).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it("computes cIoU as intersection over truth plus false pixels", () => {
    const predicted = matrix(1, 7, Float32Array.of(1, 1, 1, 1, 0, 0, 0));
    const truth = matrix(1, 7, Float32Array.of(0, 0, 1, 1, 1, 0, 0));
    expect(consensusIoU(predicted, truth)).toBe(2 / 5);
    expect(consensusIoU(truth, truth)).toBe(1);
  });

  it("integrates success over the thresholds as a trapezoid", () => {
    // cIoU 0.5 passes t = 0 … 0.5 (0.05 · 10 = 0.5): ten whole steps and half of the next.
    expect(successArea(0.5)).toBeCloseTo(0.525, 12);
    expect(successArea(1)).toBeCloseTo(1, 12);
    expect(successArea(0)).toBeCloseTo(0.025, 12);
  });

  it("thresholds the plain region at one half of the stretched map", () => {
    const picture = plainIoU.enlarge(matrix(1, 3, Float32Array.of(-4, 2, 0.9)), { width: 3, height: 2 });
    expect(Array.from(plainIoU.region(picture).data)).toEqual([0, 1, 1, 0, 1, 1]);
  });

  it("predicts half of the frame under EZ-VSL alone, as the protocols say", () => {
    const small = matrix(
      4,
      4,
      Float32Array.from({ length: 16 }, (_, i) => (i === 5 ? 1 : i / -100)),
    );
    const truth = matrix(
      4,
      4,
      Float32Array.from({ length: 16 }, (_, i) => Number(i === 5)),
    );
    const size = { width: 4, height: 4 };
    const scored = (scoring: Scoring) => scoring.overlap(scoring.region(scoring.enlarge(small, size)), truth);
    expect([scored(ezVsl), scored(plainIoU)]).toEqual([1 / 8, 1]);
    const halved = localizationProtocols.filter(({ protocol }) => protocol.notes.join().includes("half of the frame"));
    expect(halved).toEqual(localizationProtocols.filter(({ conduct }) => conduct.scoring === "ez-vsl"));
    expect(halved).toHaveLength(localizationProtocols.length - 1);
  });

  it("ranks pixels as average precision does, negative values and ties included", () => {
    const rng = createRng("pixels");
    const values = Float32Array.from({ length: 391 }, () => Math.round(20 * rng.normal()) / 10);
    const truth = Float32Array.from({ length: 391 }, () => (rng.uniform() < 0.3 ? 1 : 0));
    const got = pixelAveragePrecision(matrix(17, 23, values), matrix(17, 23, truth));
    expect(got).toBeCloseTo(averagePrecision(rank(values, truth)), 12);
  });
});
