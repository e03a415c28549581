import { createRng, type FloatTensor, float32, type PatchGrid, sizeOf } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { cutFrame, cutSpectrogram } from "./cut.js";
import { pasteFrame, pasteSpectrogram } from "./paste.js";

const random = (shape: readonly number[]): FloatTensor => {
  const rng = createRng("patches");
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()),
  );
};

describe("cutSpectrogram", () => {
  const grid: PatchGrid = { rows: 3, columns: 5, patch: 7, channels: 1 };

  it("puts frequency f and time t where token f · columns + t, [frequency, time], says", () => {
    const spectrogram = random([35, 21]);
    const patches = cutSpectrogram(spectrogram, grid);
    expect(patches.shape).toEqual([15, 49]);
    const [time, bin] = [4 * 7 + 2, 1 * 7 + 5];
    expect(patches.data[(1 * 5 + 4) * 49 + 5 * 7 + 2]).toBe(spectrogram.data[time * 21 + bin]);
  });

  it("is undone by pasting, and refuses a shape that does not fit", () => {
    const spectrogram = random([35, 21]);
    expect(pasteSpectrogram(cutSpectrogram(spectrogram, grid), grid)).toEqual(spectrogram);
    expect(() => cutSpectrogram(random([21, 35]), grid)).toThrow(
      "cutSpectrogram: spectrogram has shape [21, 35], expected [T, M]: axis 0 (T) is 21, not 35",
    );
    expect(() => pasteSpectrogram(random([14, 49]), grid)).toThrow("patches has shape [14, 49]");
  });
});

describe("cutFrame", () => {
  const grid: PatchGrid = { rows: 2, columns: 5, patch: 3, channels: 3 };

  it("puts pixel (y, x) in token row · columns + column, [height, width, channel]", () => {
    const frame = random([6, 15, 3]);
    const patches = cutFrame(frame, grid);
    expect(patches.shape).toEqual([10, 27]);
    const [y, x, channel] = [4, 11, 2];
    expect(patches.data[(1 * 5 + 3) * 27 + (1 * 3 + 2) * 3 + channel]).toBe(frame.data[(y * 15 + x) * 3 + channel]);
  });

  it("is undone by pasting, and refuses a shape that does not fit", () => {
    const frame = random([6, 15, 3]);
    expect(pasteFrame(cutFrame(frame, grid), grid)).toEqual(frame);
    expect(() => cutFrame(random([15, 6, 3]), grid)).toThrow("axis 0 (H) is 15, not 6");
  });
});
