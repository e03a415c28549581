import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { describeClip } from "./describe-clip.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions } from "./plan.js";
import { renderSound } from "./render-sound.js";

const planOf = (seed: number) =>
  describeClip(createRng("sound").fork(seed), defaultOptions, kinds[seed % kinds.length]);

const decibels = (samples: Float32Array) =>
  10 * Math.log10(samples.reduce((sum, sample) => sum + sample * sample, 1e-12) / samples.length);

describe("renderSound", () => {
  it("gives the same samples for the same plan", () => {
    expect(renderSound(planOf(5))).toEqual(renderSound(planOf(5)));
    expect(renderSound(planOf(5))).not.toEqual(renderSound(planOf(21)));
  });

  it.each(kinds.map((kind, index) => [kind, index] as const))("brings a %s to the loudness planned", (_, index) => {
    const plan = planOf(index);
    const { samples, sampleRate } = renderSound(plan);
    expect(sampleRate).toBe(16000);
    expect(samples.length).toBe(32000);
    expect(Math.abs(decibels(samples) - plan.loudness)).toBeLessThan(1.5);
    expect(samples.every((sample) => Math.abs(sample) < 1)).toBe(true);
  });

  it("has nothing but the planned noise before the onset", () => {
    const late = Array.from({ length: 60 }, (_, seed) => planOf(seed)).filter((plan) => plan.strokes[0].start > 0.15);
    expect(late.length).toBeGreaterThan(10);
    for (const plan of late) {
      const before = renderSound(plan).samples.slice(0, 2200);
      expect(Math.abs(decibels(before) - plan.loudness - plan.noise[0])).toBeLessThan(1.5);
    }
  });
});
