import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { denormalizePatches } from "./denormalize.js";
import { hiddenErrors, type InpaintedBatch } from "./hidden-error.js";
import { inpainting, type PixelTargets } from "./inpainting.js";

const [B, N, P, K] = [3, 7, 12, 2];
const rng = createRng("inpainting");

/** Patches with the same shape inside every patch of a clip plus noise; predictions off by `error` everywhere. */
function batch(error: number, noise = 1): InpaintedBatch {
  const target = new Float32Array(B * N * P);
  for (let i = 0; i < target.length; i++) target[i] = (i % P) + 10 * Math.floor(i / (N * P)) + noise * rng.normal();
  const order = Array.from({ length: B }, () => [...rng.permutation(N)]);
  return {
    target: { shape: [B, N, P], data: target },
    predicted: { shape: [B, N, P], data: target.map((value) => value + error) },
    visible: { shape: [B, K], data: Int32Array.from(order.flatMap((deck) => deck.slice(0, K))) },
    hidden: { shape: [B, N - K], data: Int32Array.from(order.flatMap((deck) => deck.slice(K))) },
  };
}
const units = { name: "units", deviation: [2, 3, 5], peak: 10 };

describe("hiddenErrors", () => {
  it("is 0 for the truth and e² for predictions off by e, in units by channel", () => {
    expect(hiddenErrors(batch(0), units).mse).toEqual([0, 0, 0]);
    const { mse, mseInUnits, ratio } = hiddenErrors(batch(0.5), units);
    for (const value of mse) expect(value).toBeCloseTo(0.25, 5);
    for (const value of mseInUnits) expect(value).toBeCloseTo((0.25 * (4 + 9 + 25)) / 3, 4);
    expect(ratio).toBe(5 / 7);
  });

  it("does not look at predictions for visible patches", () => {
    const one = batch(0.5);
    const spoiled = one.predicted.data.slice();
    for (let b = 0; b < B; b++) {
      for (const place of one.visible.data.subarray(b * K, (b + 1) * K)) {
        spoiled.fill(1e6, (b * N + place) * P, (b * N + place + 1) * P);
      }
    }
    const again = hiddenErrors({ ...one, predicted: { shape: [B, N, P], data: spoiled } }, units);
    expect(again).toEqual(hiddenErrors(one, units));
  });

  it("fills with the visible mean of the clip, place by place: exact where all patches are equal", () => {
    for (const value of hiddenErrors(batch(1, 0), units).meanFill) expect(value).toBeCloseTo(0, 8);
    // With unit noise: 1 from the hidden value and 1/K from the mean of K visible ones.
    const many = Array.from({ length: 60 }, () => hiddenErrors(batch(1), units).meanFill).flat();
    expect(many.reduce((sum, value) => sum + value, 0) / many.length).toBeCloseTo(1 + 1 / K, 1);
  });

  it("meets wrong use with words", () => {
    const one = batch(1);
    const all = { shape: [B, N], data: Int32Array.from({ length: B * N }, (_, i) => i % N) };
    const none = { shape: [B, 0], data: new Int32Array(0) };
    expect(() => hiddenErrors({ ...one, visible: all, hidden: none }, units)).toThrow(
      "7 visible and 0 hidden places do not part a grid of 7 patches. Pass the view the predictions were made from",
    );
    const holed = one.predicted.data.slice().fill(Number.NaN);
    expect(() => hiddenErrors({ ...one, predicted: { shape: [B, N, P], data: holed } }, units)).toThrow(
      "clip 0 of the batch has NaN",
    );
  });
});

describe("inpainting", () => {
  it("puts both modalities beside mean-fill with intervals and PSNR", async () => {
    const result = await inpainting({
      batches: [1, 2, 3].map(() => ({ audio: batch(0.5), visual: batch(2) })),
      targets: "raw",
      mask: "time",
      units: { audio: units, visual: units },
    });
    expect(result.evaluated).toBe(9);
    expect(result.audio.mse).toBeCloseTo(0.25, 5);
    expect(result.audio.psnr).toBeCloseTo(10 * Math.log10(100 / ((0.25 * 38) / 3)), 4);
    expect(result.audio.gain).toBeGreaterThan(0);
    expect(result.visual.gain).toBeLessThan(0);
    expect(result.visual.intervals.gain.high).toBeLessThan(0);
    expect(result.protocol.name).toBe("inpainting-time-71");
    expect(result.protocol.frames).toContain("71 % of the audio and 71 % of the visual patches hidden, mask kind time");
  });

  /** A batch whose predictions are the truth, patch by patch normalised. */
  function exactButNormalized(): InpaintedBatch {
    const one = batch(0);
    const normalized = one.target.data.slice();
    for (let patch = 0; patch < B * N; patch++) {
      const values = normalized.subarray(patch * P, (patch + 1) * P);
      const mean = values.reduce((sum, value) => sum + value, 0) / P;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (P - 1);
      for (let p = 0; p < P; p++) values[p] = (values[p] - mean) / Math.sqrt(variance + 1e-6);
    }
    return { ...one, predicted: { shape: [B, N, P], data: normalized } };
  }

  it("refuses normalised pixels unless told to bring them back, and then says so", async () => {
    const one = exactButNormalized();
    const batches = [{ audio: one, visual: one }];
    await expect(inpainting({ batches, targets: "normalized" })).rejects.toThrow(
      "inpainting: the model was trained on normalised audio and visual pixels",
    );
    const result = await inpainting({ batches, targets: "de-normalized" });
    expect(result.visual.mse).toBeLessThan(1e-9);
    expect(result.targets).toBe("de-normalized");
    expect(result.protocol.notes.join()).toContain("TRUE mean and deviation");
    expect(denormalizePatches(one.target, one.predicted).data[17]).toBeCloseTo(one.target.data[17], 4);
  });

  it.each(["audio", "visual"] as const)("brings back %s alone: an exact prediction of either scores 0", async (one) => {
    const other = one === "audio" ? "visual" : "audio";
    const pair = { [one]: exactButNormalized(), [other]: batch(0) } as Record<"audio" | "visual", InpaintedBatch>;
    const targets = (restored: PixelTargets) => ({ audio: "raw", visual: "raw", [one]: restored }) as const;
    const result = await inpainting({ batches: [pair], targets: targets("de-normalized") });
    expect(result.audio.mse).toBeLessThan(1e-9);
    expect(result.visual.mse).toBeLessThan(1e-9);
    expect(result.targets).toEqual(targets("de-normalized"));
    expect(result.protocol.name).toBe(`inpainting-random-71-${one}-de-normalized`);
    expect(result.protocol.notes.join()).toContain(`normalised patches of the ${one} modality; they were brought back`);
    await expect(inpainting({ batches: [pair], targets: targets("normalized") })).rejects.toThrow(
      `trained on normalised ${one} pixels`,
    );
  });

  it("refuses no clips", async () => {
    await expect(inpainting({ batches: [], targets: "raw" })).rejects.toThrow("there are no clips to inpaint. Check");
  });
});
