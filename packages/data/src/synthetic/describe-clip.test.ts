import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { actsOf, describeClip } from "./describe-clip.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions } from "./plan.js";
import { renderFrames } from "./render-frames.js";
import { renderSound } from "./render-sound.js";

const options = { ...defaultOptions, acts: 3, distractorShare: 1 };
const plans = Array.from({ length: 60 }, (_, index) =>
  describeClip(createRng("acts").fork(index), options, kinds[index % kinds.length]),
);

const bytes = (values: Float32Array | Uint8Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");

describe("clips of several acts", () => {
  it("are of the kind asked for in the middle, and of other kinds before and after", () => {
    for (const [index, plan] of plans.entries()) {
      const acts = actsOf(plan);
      expect(acts.map(({ from }) => from)).toEqual([0, ...acts.slice(0, -1).map(({ to }) => to)]);
      expect(acts.at(-1)?.to).toBe(options.seconds);
      expect(acts[1].from).toBeLessThan(options.seconds / 2);
      expect(acts[1].to).toBeGreaterThan(options.seconds / 2);
      const names = acts.map((act) => act.plan.sounding.kind);
      expect(names[1]).toBe(kinds[index % kinds.length]);
      expect(new Set(names).size).toBe(3);
    }
  });

  it("show as a silent object what is heard at another time", () => {
    for (const plan of plans) {
      const acts = actsOf(plan);
      for (const act of acts) {
        const heard = acts.filter((other) => other !== act).map((other) => other.plan.sounding.kind);
        expect(heard).toContain(act.plan.distractor?.kind);
      }
    }
  });

  it("sound and look within an act as that act alone does", () => {
    for (const plan of plans.slice(0, 2)) {
      const { samples } = renderSound(plan);
      const { pixels, boxes } = renderFrames(plan);
      for (const act of actsOf(plan)) {
        const { acts: _, ...alone } = act.plan;
        const own = renderSound(alone).samples;
        const [from, to] = [act.from + 0.02, act.to - 0.02].map((time) => Math.round(16000 * time));
        expect(bytes(samples.subarray(from, to)) === bytes(own.subarray(from, to))).toBe(true);
        const frames = renderFrames(alone);
        const shown = Array.from({ length: 10 }, (_, frame) => frame).filter(
          (frame) => frame / 5 >= act.from && frame / 5 < act.to,
        );
        expect(shown.length).toBeGreaterThan(0);
        for (const frame of shown) {
          const [begin, end] = [frame * 96 * 96 * 3, (frame + 1) * 96 * 96 * 3];
          expect(bytes(pixels.subarray(begin, end)) === bytes(frames.pixels.subarray(begin, end))).toBe(true);
          expect(boxes[frame]).toEqual(frames.boxes[frame]);
        }
      }
    }
  });

  it("split what comes before and after where there are more", () => {
    const acts = actsOf(describeClip(createRng("five"), { ...options, acts: 5 }, "bell"));
    expect(acts.map(({ from, to }) => from < to)).toEqual([true, true, true, true, true]);
    expect(acts[2].plan.sounding.kind).toBe("bell");
    expect([acts[2].from < 1, acts[2].to > 1]).toEqual([true, true]);
  });

  it("have a middle as long as is asked for, around the clip's own", () => {
    for (const middle of [[0.2, 0.2] as const, [0.5, 0.7] as const, [0.9, 0.9] as const]) {
      for (let index = 0; index < 40; index++) {
        const [before, own, after] = actsOf(
          describeClip(createRng("long").fork(index), { ...options, middle }, "bell"),
        );
        const share = (own.to - own.from) / options.seconds;
        expect(share).toBeGreaterThan(middle[0] - 1e-9);
        expect(share).toBeLessThan(middle[1] + 1e-9);
        expect([before.to === own.from, own.to === after.from, after.to]).toEqual([true, true, options.seconds]);
        expect(own.from).toBeLessThan(options.seconds / 2);
        expect(own.to).toBeGreaterThan(options.seconds / 2);
        expect(Math.min(before.to, after.to - after.from)).toBeGreaterThan(0.35 * (1 - share) * options.seconds);
      }
    }
  });
});
