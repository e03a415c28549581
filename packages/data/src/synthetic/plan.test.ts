import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { describeClip } from "./describe-clip.js";
import { findKind } from "./find-kind.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions } from "./plan.js";

const plans = Array.from({ length: 400 }, (_, index) =>
  describeClip(createRng("plans").fork(index), defaultOptions, kinds[index % kinds.length]),
);

describe("describeClip", () => {
  it("gives the same plan for the same stream, and another for another", () => {
    const draw = (seed: string) => JSON.stringify(describeClip(createRng(seed), defaultOptions));
    expect(draw("a")).toBe(draw("a"));
    expect(draw("a")).not.toBe(draw("b"));
  });

  it("draws every kind when none is named", () => {
    const drawn = Array.from({ length: 300 }, (_, index) => describeClip(createRng(index), defaultOptions));
    expect(new Set(drawn.map((plan) => plan.sounding.kind))).toEqual(new Set(kinds));
  });

  it("adds a silent object of another kind to the share of clips asked for", () => {
    const withSilent = plans.filter(({ distractor }) => distractor !== undefined);
    expect(withSilent.length / plans.length).toBeGreaterThan(0.32);
    expect(withSilent.length / plans.length).toBeLessThan(0.48);
    expect(withSilent.every(({ distractor, sounding }) => distractor?.kind !== sounding.kind)).toBe(true);
    const none = describeClip(createRng(1), { ...defaultOptions, distractorShare: 0 });
    expect(none.distractor).toBeUndefined();
  });

  it("gives bigger objects a lower pitch within their kind", () => {
    const points = plans.map(({ sounding, pitch }) => [
      Math.log2(sounding.width * sounding.height),
      Math.log2(pitch / findKind(sounding.kind).pitch),
    ]);
    const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
    const [a, b] = [mean(0), mean(1)];
    const sum = (f: (x: number, y: number) => number) => points.reduce((total, [x, y]) => total + f(x - a, y - b), 0);
    const correlation = sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
    expect(correlation).toBeLessThan(-0.9);
  });

  it("begins to sound within the first 0.35 s and never after the end", () => {
    for (const { strokes, options } of plans) {
      expect(strokes.length).toBeGreaterThan(0);
      expect(strokes[0].start).toBeLessThan(0.35);
      for (const { start, length } of strokes) expect(start + length).toBeLessThanOrEqual(options.seconds + 1e-9);
    }
  });

  it("names the kinds there are when asked for another", () => {
    expect(() => describeClip(createRng(1), defaultOptions, "gong")).toThrow(
      /there is no kind named "gong".*Use one of bell, bird/,
    );
  });
});
