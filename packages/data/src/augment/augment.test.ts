import { createRng, float32 } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { flipHorizontally } from "./flip.js";
import { drawMixupShare, labelTarget, mixPictures, mixWaveforms } from "./mixup.js";
import { noiseAndShift } from "./noise-and-shift.js";
import { specAugment } from "./spec-augment.js";

const numbered = (...shape: number[]) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => index + 1),
  );
const seeds = Array.from({ length: 200 }, (_, seed) => seed);

describe("specAugment", () => {
  const limits = { frequency: 5, time: 7 };
  const blanked = (seed: number) => {
    const { data } = specAugment(numbered(17, 11), limits, createRng(seed));
    const zero = (t: number, m: number) => data[t * 11 + m] === 0;
    const times = [...Array(17).keys()].filter((t) => [...Array(11).keys()].every((m) => zero(t, m)));
    const bins = [...Array(11).keys()].filter((m) => [...Array(17).keys()].every((t) => zero(t, m)));
    return { data, times, bins };
  };

  it("blanks one band and one stretch, narrower than their limits, and nothing else", () => {
    for (const seed of seeds) {
      const { data, times, bins } = blanked(seed);
      expect(times.length).toBeLessThan(7);
      expect(bins.length).toBeLessThan(5);
      for (const list of [times, bins]) expect((list.at(-1) ?? -1) - (list[0] ?? 0) + 1).toBe(list.length);
      for (const [index, value] of data.entries()) {
        const hidden = times.includes(Math.floor(index / 11)) || bins.includes(index % 11);
        expect(value).toBe(hidden ? 0 : index + 1);
      }
    }
  });

  it("reaches every width and both ends, and repeats with its seed", () => {
    const all = seeds.map(blanked);
    expect(new Set(all.map(({ times }) => times.length))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    expect(new Set(all.map(({ bins }) => bins.length))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(all.some(({ bins }) => bins.includes(0)) && all.some(({ bins }) => bins.includes(10))).toBe(true);
    expect(blanked(3).data).toEqual(all[3].data);
  });
});

describe("noiseAndShift", () => {
  it("turns time around by at most the shift and adds less than a tenth", () => {
    const shifts = seeds.map((seed) => {
      const out = noiseAndShift(numbered(7, 3), createRng(seed), 2);
      const by = [0, 1, 2, 3, 4, 5, 6].find((t) => Math.floor(out.data[t * 3]) === 1) ?? -1;
      for (let t = 0; t < 7; t++) {
        for (let m = 0; m < 3; m++) {
          const added = out.data[((t + by) % 7) * 3 + m] - (t * 3 + m + 1);
          expect(added).toBeGreaterThanOrEqual(0);
          expect(added).toBeLessThan(0.1);
        }
      }
      return by;
    });
    expect(new Set(shifts)).toEqual(new Set([5, 6, 0, 1, 2]));
    expect(noiseAndShift(numbered(7, 3), createRng(1), 2)).toEqual(noiseAndShift(numbered(7, 3), createRng(1), 2));
  });
});

describe("flipHorizontally", () => {
  it("mirrors columns and leaves channels in order", () => {
    const flipped = flipHorizontally(numbered(1, 3, 2));
    expect(Array.from(flipped.data)).toEqual([5, 6, 3, 4, 1, 2]);
    expect(flipHorizontally(flipHorizontally(numbered(3, 5, 2)))).toEqual(numbered(3, 5, 2));
  });
});

describe("mixup", () => {
  it("draws shares as Beta(10, 10): mean 1/2, variance 1/84", () => {
    const rng = createRng("beta");
    const shares = Array.from({ length: 4000 }, () => drawMixupShare(10, rng));
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance * 84 - 1)).toBeLessThan(0.1);
    expect(() => drawMixupShare(0.5, rng)).toThrow("alpha is 0.5. Give a value of at least 1");
  });

  it("mixes sounds without their means, padding the second", () => {
    const sound = (...samples: number[]) => ({ sampleRate: 8000, samples: Float32Array.from(samples) });
    const mixed = mixWaveforms(sound(1, 2, 6), sound(0, 4), 0.75);
    const raw = [0.75 * -2 + 0.25 * -2, 0.75 * -1 + 0.25 * 2, 0.75 * 3];
    const mean = (raw[0] + raw[1] + raw[2]) / 3;
    for (const [index, value] of raw.entries()) expect(mixed.samples[index]).toBeCloseTo(value - mean, 6);
    expect(mixWaveforms(sound(1, 3), sound(1, 2, 3, 4), 0.5).samples.length).toBe(2);
    expect(() => mixWaveforms(sound(1), { ...sound(1), sampleRate: 9 }, 0.5)).toThrow("have 8000 Hz and 9 Hz");
  });

  it("mixes pictures of one shape", () => {
    const other = float32([1, 1, 2], Float32Array.from([5, 10]));
    expect(Array.from(mixPictures(numbered(1, 1, 2), other, 0.75).data)).toEqual([2, 4]);
    expect(() => mixPictures(numbered(1, 2, 1), other, 0.5)).toThrow("shapes [1, 2, 1] and [1, 1, 2]");
  });

  it("smooths labels, sets them when alone and adds them when mixed", () => {
    const near = (got: Float32Array, wanted: number[]) => {
      expect(Array.from(got)).toEqual(wanted.map((value) => expect.closeTo(value, 6)));
    };
    near(labelTarget([{ labels: [1, 3], share: 1 }], 5, 0.1), [0.02, 0.9, 0.02, 0.9, 0.02]);
    const parts = [
      { labels: [1], share: 0.7 },
      { labels: [1, 4], share: 0.3 },
    ];
    near(labelTarget(parts, 5, 0.1), [0.02, 0.92, 0.02, 0.02, 0.29]);
    expect(() => labelTarget(parts, 4, 0)).toThrow("label 4 is not one of the 4 classes");
  });
});
