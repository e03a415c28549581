import { audioGrid, createRng, float32, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { makeSample, type Recording, type SampleRecipe } from "../make-sample.js";
import { cutSpectrogram } from "../patch/cut.js";
import { besidePicture, windowStart } from "./window.js";

// map_frame_to_spectrogram of CAV-MAE Sync's dataloader (edsonroteia/cav-mae-sync), 16 frames of 1,024, run in Python.
const starts = {
  416: [0, 0, 0, 0, 48, 112, 176, 240, 304, 368, 432, 496, 560, 608, 608, 608],
  96: [0, 16, 80, 144, 208, 272, 336, 400, 464, 528, 592, 656, 720, 784, 848, 912],
};

describe("the sound beside a picture", () => {
  it.each([416, 96] as const)("begins where CAV-MAE Sync's does, %i frames long", (window) => {
    const form = { frames: 1024, window, frameShiftMs: 10 };
    expect(starts[window].map((_, i) => windowStart(form, (i * 10.24) / 16))).toEqual(starts[window]);
  });

  it("is all of it without a window", () => {
    expect(windowStart({ frames: 1024, frameShiftMs: 10 }, 7)).toBe(0);
    const whole = float32([5, 2]);
    expect(besidePicture(whole, { frames: 5, frameShiftMs: 10 }, undefined)).toBe(whole);
  });

  it("is refused where nobody knows when the picture was taken", () => {
    const form = { frames: 5, window: 3, frameShiftMs: 10 };
    expect(() => besidePicture(float32([5, 2]), form, undefined)).toThrow("Prepare the set again");
  });

  const grids = { audio: audioGrid(4, 4, 2), visual: visualGrid(4, 2) };
  const spectrogram = float32(
    [11, 4],
    Float32Array.from({ length: 44 }, (_, at) => at),
  );
  const recording: Recording = {
    ...{ where: "a clip", labels: [], pictures: 5, spectrogram: () => spectrogram },
    waveform: () => ({ samples: new Float32Array(1), sampleRate: 16_000 }),
    time: (index) => 0.02 * index,
    picture: (index) => float32([4, 4, 3], new Float32Array(48).fill(index)),
  };
  const recipe: SampleRecipe = {
    frontEnd: {
      audio: {
        ...{ sampleRate: 16_000, melBins: 4, frameLengthMs: 25, frameShiftMs: 10 },
        ...{ frames: 11, window: 4, mean: 0, std: 1 },
      },
      visual: { size: 4 },
      grids,
    },
    ...{ augment: {}, picture: "random", smoothing: 0 },
  };

  it("goes with the picture that is drawn, in every sample", async () => {
    const pictures = new Set<number>();
    for (let round = 0; round < 30; round++) {
      const made = await makeSample(recording, recipe, createRng(round));
      const start = [0, 0, 2, 4, 6][made.picture];
      const heard = float32([4, 4], spectrogram.data.slice(4 * start, 4 * (start + 4)));
      expect(made.audio).toEqual(cutSpectrogram(heard, grids.audio));
      expect(made.visual.data[0]).toBe(made.picture);
      pictures.add(made.picture);
    }
    expect(pictures.size).toBe(5);
  });

  it("is turned around and made noisy within itself: no sound from elsewhere comes in", async () => {
    const noisy = { ...recipe, picture: 3, augment: { noiseAndShift: true } };
    const { audio } = await makeSample(recording, noisy, createRng(4));
    // Rows 4 to 7 hold 16 to 31; noise adds at most a tenth.
    expect([Math.floor(Math.min(...audio.data)), Math.floor(Math.max(...audio.data))]).toEqual([16, 31]);
  });
});
