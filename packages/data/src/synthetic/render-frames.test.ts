import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { describeClip } from "./describe-clip.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions, type SyntheticClipPlan } from "./plan.js";
import { renderFrames } from "./render-frames.js";
import { activity } from "./sound/stroke.js";

const options = { ...defaultOptions, size: 62 };
const planOf = (seed: number) => describeClip(createRng("frames").fork(seed), options, kinds[seed % kinds.length]);

/** The same clip with the sounding object in black alone, or white alone: it differs just where the object is. */
const painted = (plan: SyntheticClipPlan, value: number): SyntheticClipPlan => {
  const colour = [value, value, value] as const;
  const texture = { pattern: 0, fineness: 1, strength: 0, phase: 0 };
  const cover = { palette: [colour, colour, colour, colour] as const, texture };
  return { ...plan, sounding: { ...plan.sounding, cover } };
};

describe("renderFrames", () => {
  it("gives the same bytes for the same plan", () => {
    expect(renderFrames(planOf(3)).pixels).toEqual(renderFrames(planOf(3)).pixels);
    expect(renderFrames(planOf(3)).pixels).not.toEqual(renderFrames(planOf(19)).pixels);
  });

  it("gives a frame and a box for every moment", () => {
    const { frames, boxes, pixels } = renderFrames(planOf(1));
    expect(frames.map(({ time }) => time)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8]);
    expect(boxes.map(([time]) => time)).toEqual(frames.map(({ time }) => time));
    expect(pixels.length).toBe(10 * 62 * 62 * 3);
    expect(frames[7].data).toEqual(pixels.slice(7 * 62 * 62 * 3, 8 * 62 * 62 * 3));
  });

  it.each(kinds.map((kind, index) => [kind, index] as const))("draws a %s exactly within its box", (_, index) => {
    const plan = planOf(index);
    const black = renderFrames(painted(plan, 0));
    const white = renderFrames(painted(plan, 255));
    for (const frame of [0, 4, 9]) {
      const box = black.boxes[frame][1];
      let [left, top, right, bottom] = [62, 62, -1, -1];
      for (let pixel = 0; pixel < 62 * 62; pixel++) {
        const lit = white.frames[frame].data[3 * pixel] - black.frames[frame].data[3 * pixel];
        if (lit < 127) continue;
        left = Math.min(left, pixel % 62);
        right = Math.max(right, pixel % 62);
        top = Math.min(top, Math.floor(pixel / 62));
        bottom = Math.max(bottom, Math.floor(pixel / 62));
      }
      expect(box).toEqual({ x: left, y: top, width: right - left + 1, height: bottom - top + 1 });
      expect(box.width * box.height).toBeGreaterThan(0.08 * 62 * 62);
    }
  });

  it("moves the sounding object with the sound, and the silent one whatever is heard", () => {
    const plans = Array.from({ length: 96 }, (_, seed) => planOf(seed)).filter(({ distractor }) => distractor);
    const steps = { sounding: { change: [0, 0], rest: [0, 0] }, silent: { change: [0, 0], rest: [0, 0] } };
    for (const plan of plans) {
      const { boxes, distractorBoxes } = renderFrames(plan);
      const tracks = { sounding: boxes, silent: distractorBoxes };
      for (const who of ["sounding", "silent"] as const) {
        const track = tracks[who];
        for (let i = 1; i < track.length; i++) {
          const [[before, from], [now, to]] = [track[i - 1], track[i]];
          const heard = Math.abs(activity(plan.strokes, now) - activity(plan.strokes, before));
          const bin = steps[who][heard > 0.4 ? "change" : "rest"];
          bin[0] += Math.abs(to.width - from.width) + Math.abs(to.x - from.x) + Math.abs(to.y - from.y);
          bin[1] += 1;
        }
      }
    }
    const pixels = ([sum, count]: number[]) => sum / count;
    expect(pixels(steps.sounding.change)).toBeGreaterThan(1.5 * pixels(steps.sounding.rest));
    const ratio = pixels(steps.silent.change) / pixels(steps.silent.rest);
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.33);
    expect(pixels(steps.silent.rest)).toBeGreaterThan(0.3);
  });
});
