import { type Box, createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { localizationFigures } from "../figures.js";
import { matrix } from "../matrix.js";
import { boxMask } from "./box.js";
import { type LocalizationClip, localization } from "./localization.js";
import { plainIoU } from "./scoring.js";
import { gridCoverage, similarityMap } from "./similarity-map.js";

const grid = { rows: 5, columns: 7 };
const picture = { width: 70, height: 50 };
const sizes = { grid, picture };
const D = 11;

/** A clip whose tokens point along the sound where the box is, and elsewhere only by chance. */
function clip(id: string, boxes: readonly Box[], strength: number, shown = boxes): LocalizationClip {
  const rng = createRng(id);
  const audio = Float32Array.from({ length: D }, () => rng.normal());
  const covered = gridCoverage(boxMask(shown, picture), grid);
  const visual = matrix(grid.rows * grid.columns, D);
  for (let n = 0; n < covered.data.length; n++) {
    for (let k = 0; k < D; k++) visual.data[n * D + k] = strength * covered.data[n] * audio[k] + 0.5 * rng.normal();
  }
  return { id, steps: [{ audio, visual, boxes }] };
}
const rng = createRng("boxes");
const corner = (): Box => ({ x: 35 * rng.integer(2), y: 0, width: 35, height: 50 });
const clips = (strength: number, count = 31) =>
  Array.from({ length: count }, (_, index) => clip(`clip ${index}`, [corner()], strength));

describe("similarityMap", () => {
  it("is the cosine of the sound with each token, row by row", () => {
    const visual = matrix(2, 3, Float32Array.of(2, 0, 0, -3, -4, 0));
    const map = similarityMap(Float32Array.of(5, 0, 0), visual, { rows: 2, columns: 1 });
    expect(map.shape).toEqual([2, 1]);
    expect(map.data[0]).toBeCloseTo(1, 6);
    expect(map.data[1]).toBeCloseTo(-0.6, 6);
  });

  it("refuses a grid that is not the tokens' and a picture that is not the grid's", () => {
    expect(() => similarityMap(new Float32Array(3).fill(1), matrix(6, 3), grid)).toThrow("axis 0 (N) is 6, not 35");
    expect(() => gridCoverage(matrix(51, 70), grid)).toThrow("70 × 51 does not divide into 7 × 5 patches");
  });
});

describe("localization", () => {
  it("scores a model that points far above the centre, a blind one below", async () => {
    const sighted = await localization({ ...sizes, clips: clips(1) });
    const blind = await localization({ ...sizes, clips: clips(0) });
    expect(sighted.evaluated).toBe(31);
    expect(sighted.ciou50).toBeGreaterThan(0.9);
    expect(sighted.auc).toBeGreaterThan(sighted.centreBox.auc);
    expect(sighted.auc).toBeLessThanOrEqual(sighted.oracle.auc + 0.05);
    expect(sighted.pixelAP).toBeGreaterThan(0.9);
    expect(blind.ciou50).toBeLessThan(0.3);
    expect(blind.pixelAP).toBeLessThan(0.7);
    expect(sighted.area).toBeCloseTo(0.5, 6);
    expect(sighted.detection).toBeNull();
    expect(sighted.protocol.name).toBe("localization-ez-vsl");
    // Half a frame against a box of half the side: 1/4 of it on either half → (1/8) / (1/2 + 1/8).
    expect(sighted.centreBox.ciou).toBeCloseTo(0.2, 1);
  });

  it("takes clips without a visible source as negatives, and leaves out boxes outside the picture", async () => {
    const silent = Array.from({ length: 13 }, (_, index) => clip(`silent ${index}`, [], 1));
    const outside = clip("outside", [{ x: 200, y: 0, width: 10, height: 10 }], 1);
    const result = await localization({ ...sizes, clips: [...clips(1, 17), ...silent, outside] });
    expect(result.evaluated).toBe(17);
    expect(result.detection?.negatives).toBe(13);
    // 17 clips have a box in the picture; to tell them from the 13 without, all 30 are looked at.
    const over = Object.fromEntries(localizationFigures(result).map(({ key, over }) => [key, over?.count]));
    expect(over).toMatchObject({ ciou50: undefined, "presence.averagePrecision": 30, "located.maxF1": 30 });
    expect(result.detection?.presence.averagePrecision).toBeGreaterThan(0.9);
    expect(result.leftOut).toEqual({ "box-outside-frame": 1 });
    expect(result.protocol.metrics.presence).toContain("highest cosine");
  });

  it("follows a sound through a clip, one line per step", async () => {
    const [left, right] = [[{ x: 0, y: 0, width: 35, height: 50 }], [{ x: 35, y: 0, width: 35, height: 50 }]];
    const moving = {
      id: "moving",
      steps: [
        { time: 0.5, ...clip("a", left, 1).steps[0] },
        { time: 1.5, ...clip("b", right, 1).steps[0] },
        { time: 2.5, ...clip("c", right, 1, left).steps[0] },
      ],
    };
    const result = await localization({ ...sizes, clips: [moving] });
    expect(result.evaluated).toBe(1);
    expect(result.steps.map(({ time }) => time)).toEqual([0.5, 1.5, 2.5]);
    expect(result.steps.map(({ overlaps }) => overlaps!.model > 0.5)).toEqual([true, true, false]);
    expect(result.ciou50).toBeCloseTo(2 / 3, 12);
    expect(result.protocol.name).toBe("localization-ez-vsl-over-time");
  });

  it("scores the plain way when asked, and says so", async () => {
    const result = await localization({ ...sizes, clips: clips(3), scoring: plainIoU });
    expect(result.protocol.name).toBe("localization-plain-iou");
    expect(result.ciou50).toBeGreaterThan(0.9);
  });

  it("warns of boxes that the median region can never meet", async () => {
    const small = clip("small", [{ x: 10, y: 10, width: 20, height: 20 }], 1);
    expect((await localization({ ...sizes, clips: [small] })).warnings[0]).toContain("100 % of the boxes cover less");
  });

  it("refuses nothing to score with words", async () => {
    await expect(localization({ ...sizes, clips: [] })).rejects.toThrow(
      "localization: none of the 0 maps has a box inside the picture to be scored against. Give boxes in pixels",
    );
  });
});
