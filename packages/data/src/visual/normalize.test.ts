import { expect, it } from "vitest";
import { denormalizeFrame, normalizeFrame } from "./normalize.js";

const frame = { width: 5, height: 3, data: Uint8Array.from({ length: 45 }, (_, index) => index * 5), time: 0.7 };

it("normalises each channel by ImageNet's constants", () => {
  const picture = normalizeFrame(frame);
  expect(picture.shape).toEqual([3, 5, 3]);
  for (const [index, mean, std] of [
    [3, 0.485, 0.229],
    [4, 0.456, 0.224],
    [5, 0.406, 0.225],
  ]) {
    expect(picture.data[index]).toBeCloseTo((frame.data[index] / 255 - mean) / std, 5);
  }
});

it("gives the picture back, and clips what no picture holds", () => {
  const picture = normalizeFrame(frame);
  expect(denormalizeFrame(picture, 0.7)).toEqual(frame);
  picture.data[0] = 99;
  picture.data[1] = -99;
  expect([...denormalizeFrame(picture).data.slice(0, 2)]).toEqual([255, 0]);
});
