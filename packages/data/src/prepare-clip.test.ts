import { audioGrid, type Clip, createRng, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { logMel } from "./audio/log-mel.js";
import { pasteFrame, pasteSpectrogram } from "./patch/paste.js";
import { assembleBatch, type FrontEnd, prepareClip, publishedAudio } from "./prepare-clip.js";
import { denormalizeFrame } from "./visual/normalize.js";

const rng = createRng("clip");
const frame = (time: number) => ({
  ...{ width: 35, height: 21, time },
  data: Uint8Array.from({ length: 35 * 21 * 3 }, () => rng.integer(256)),
});
const clip: Clip = {
  item: { id: "noise", path: "noise.mp4", labels: [] },
  waveform: { sampleRate: 16000, samples: Float32Array.from({ length: 3300 }, () => rng.normal() / 9) },
  frames: [frame(0), frame(1)],
};
const frontEnd: FrontEnd = {
  audio: { ...publishedAudio, melBins: 28, frames: 35 },
  visual: { size: 21 },
  grids: { audio: audioGrid(35, 28, 7), visual: visualGrid(21, 7) },
};

describe("prepareClip", () => {
  it("gives the padded, normalised log-mel and the chosen frame's middle, as patches", () => {
    const { audio, visual } = prepareClip(clip, frontEnd, 1);
    expect([audio.shape, visual.shape]).toEqual([
      [20, 49],
      [9, 147],
    ]);
    const spectrogram = logMel(clip.waveform, frontEnd.audio);
    expect(spectrogram.shape).toEqual([19, 28]);
    const pasted = pasteSpectrogram(audio, frontEnd.grids.audio);
    for (const [index, value] of pasted.data.entries()) {
      const logEnergy = index < spectrogram.data.length ? spectrogram.data[index] : 0;
      expect(value).toBeCloseTo((logEnergy + 5.081) / 4.4849, 5);
    }
    const shown = denormalizeFrame(pasteFrame(visual, frontEnd.grids.visual));
    for (const [y, x] of [
      [0, 0],
      [20, 13],
    ]) {
      expect(shown.data[(y * 21 + x) * 3]).toBe(clip.frames[1].data[(y * 35 + x + 7) * 3]);
    }
  });

  it("resamples first where the rates differ", () => {
    const slower = { ...clip, waveform: { ...clip.waveform, sampleRate: 8000 } };
    expect(prepareClip(slower, frontEnd).audio.shape).toEqual([20, 49]);
  });

  it("names a frame that is not there", () => {
    expect(() => prepareClip(clip, frontEnd, 2)).toThrow("prepareClip of noise: there is no frame 2; the clip has 2");
  });
});

describe("assembleBatch", () => {
  it("stacks samples in order", () => {
    const samples = [0, 1, 0].map((index) => prepareClip(clip, frontEnd, index));
    const { audio, visual } = assembleBatch(samples);
    expect([audio.shape, visual.shape]).toEqual([
      [3, 20, 49],
      [3, 9, 147],
    ]);
    expect(visual.data.slice(9 * 147, 2 * 9 * 147)).toEqual(samples[1].visual.data);
  });

  it("refuses none, and samples that differ in shape", () => {
    expect(() => assembleBatch([])).toThrow("assembleBatch: there are no samples. Give at least one");
    const sample = prepareClip(clip, frontEnd);
    const other = { ...sample, audio: { ...sample.audio, shape: [49, 20] } };
    expect(() => assembleBatch([sample, other])).toThrow("sample 1 has shape [49, 20]");
  });
});
