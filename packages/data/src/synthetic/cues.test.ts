import { type Box, createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { describeClip } from "./describe-clip.js";
import { kinds } from "./kinds/index.js";
import { defaultOptions } from "./plan.js";
import { renderFrames } from "./render-frames.js";
import { renderSound } from "./render-sound.js";

/** What a lazy observer could go by. */
type Cues = {
  readonly colour: readonly number[];
  readonly loudness: readonly number[];
  readonly place: readonly number[];
};

function observe(index: number): Cues & { readonly kind: number } {
  const kind = index % kinds.length;
  const plan = describeClip(
    createRng("cues").fork(index),
    { ...defaultOptions, frameRate: 0.5, size: 48 },
    kinds[kind],
  );
  const { pixels, boxes } = renderFrames(plan);
  const colour = [0, 1, 2].map((channel) => {
    let sum = 0;
    for (let at = channel; at < pixels.length; at += 3) sum += pixels[at];
    return sum;
  });
  const { samples } = renderSound(plan);
  const box: Box = boxes[0][1];
  return {
    kind,
    colour,
    loudness: [Math.log(samples.reduce((sum, sample) => sum + sample * sample, 0))],
    place: [box.x + box.width / 2, box.y + box.height / 2],
  };
}

const seen = Array.from({ length: 800 }, (_, index) => observe(index));

/** Share of the second half of the clips whose nearest class mean, learned on the first half, is their own. */
function nearestCentroid(cueOf: (cues: Cues) => readonly number[]): number {
  const half = seen.length / 2;
  const centroids = kinds.map((_, kind) => {
    const own = seen.slice(0, half).filter((clip) => clip.kind === kind);
    return cueOf(seen[0]).map((_, axis) => own.reduce((sum, clip) => sum + cueOf(clip)[axis], 0) / own.length);
  });
  const guess = (cue: readonly number[]) => {
    const distances = centroids.map((centroid) => centroid.reduce((sum, c, axis) => sum + (c - cue[axis]) ** 2, 0));
    return distances.indexOf(Math.min(...distances));
  };
  return seen.slice(half).filter((clip) => guess(cueOf(clip)) === clip.kind).length / half;
}

describe("the set cannot be solved by", () => {
  // Chance is 1/16 = 0.0625; with 400 clips, chance and three standard deviations make 0.1.
  it.each(["colour", "loudness", "place"] as const)("%s alone", (cue) => {
    expect(nearestCentroid((cues) => cues[cue])).toBeLessThan(0.13);
  });

  it("would be, were there a trivial cue", () => {
    const told = (cues: Cues) => [(cues as Cues & { kind: number }).kind];
    expect(nearestCentroid(told)).toBe(1);
  });
});
