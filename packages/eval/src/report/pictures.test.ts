import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { heatColours, spectrumColours } from "./colour-map.js";
import {
  boxPicture,
  framePicture,
  heatPicture,
  joinPictures,
  maskedPicture,
  type Picture,
  spectrogramPicture,
} from "./pictures.js";

const pixel = ({ width, data }: Picture, x: number, y: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];
const flat = (width: number, height: number, value: number): Picture => ({
  width,
  height,
  data: new Uint8Array(3 * width * height).fill(value),
});

describe("colour maps", () => {
  it.each([
    ["spectrum", spectrumColours],
    ["heat", heatColours],
  ])("%s grows lighter all the way", (_, colours) => {
    const luminance = Array.from({ length: 64 }, (_, i) => {
      const [red, green, blue] = colours(i / 63);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    });
    for (let i = 1; i < 64; i++) expect(luminance[i]).toBeGreaterThanOrEqual(luminance[i - 1]);
    expect(luminance[63] - luminance[0]).toBeGreaterThan(100);
  });
});

describe("pictures", () => {
  it("draw low frequencies at the bottom and stretch to the range given", () => {
    const values = matrix(2, 3, Float32Array.of(0, 1, 2, 3, 4, 5));
    const drawn = spectrogramPicture(values);
    expect([drawn.width, drawn.height]).toEqual([3, 2]);
    expect(pixel(drawn, 0, 1)).toEqual([...spectrumColours(0)]);
    expect(pixel(drawn, 2, 0)).toEqual([...spectrumColours(1)]);
    expect(pixel(spectrogramPicture(values, [0, 50]), 2, 0)).toEqual([...spectrumColours(0.1)]);
  });

  it("bring a normalised frame back", () => {
    const values = { shape: [1, 2, 3], data: Float32Array.of(0, 0, 0, 9, -9, (1 - 0.406) / 0.225) };
    expect([...framePicture(values).data]).toEqual([124, 116, 104, 255, 0, 255]);
  });

  it("veil hidden patches, counting spectrogram rows from the bottom", () => {
    const grid = { rows: 2, columns: 3 };
    const top = maskedPicture(flat(6, 4, 255), grid, [0], "top");
    const bottom = maskedPicture(flat(6, 4, 255), grid, [0], "bottom");
    expect([pixel(top, 1, 1)[0], pixel(top, 2, 1)[0], pixel(top, 1, 2)[0]].map((v) => v === 255)).toEqual([
      true,
      false,
      false,
    ]);
    expect([pixel(bottom, 1, 2)[0], pixel(bottom, 1, 1)[0]].map((v) => v === 255)).toEqual([true, false]);
    expect(() => maskedPicture(flat(7, 4, 0), grid, [], "top")).toThrow("7 × 4 does not divide into 3 × 2 patches");
  });

  it("lay heat on top without touching the picture below", () => {
    const below = flat(3, 2, 100);
    const drawn = heatPicture(below, matrix(2, 3, Float32Array.of(0, 0, 0, 0, 0, 1)));
    expect(below.data.every((value) => value === 100)).toBe(true);
    const change = (x: number, y: number) => Math.abs(pixel(drawn, x, y)[0] - 100);
    expect(change(2, 1)).toBeGreaterThan(change(0, 0));
  });

  it("draw a box where it is", () => {
    const drawn = boxPicture(flat(11, 9, 100), { x: 3, y: 2, width: 5, height: 4 });
    expect(pixel(drawn, 3, 2)).toEqual([255, 255, 255]);
    expect(pixel(drawn, 7, 5)).toEqual([255, 255, 255]);
    expect(pixel(drawn, 2, 1)).toEqual([20, 20, 24]);
    expect(pixel(drawn, 10, 8)).toEqual([100, 100, 100]);
    expect(() => boxPicture(flat(5, 5, 0), { x: -3, y: -3, width: 40, height: 40 })).not.toThrow();
  });

  it("join side by side, of one height", () => {
    const joined = joinPictures([flat(2, 3, 10), flat(4, 3, 20)]);
    expect([joined.width, joined.height]).toEqual([6, 3]);
    expect([pixel(joined, 1, 2)[0], pixel(joined, 2, 2)[0]]).toEqual([10, 20]);
    expect(() => joinPictures([flat(1, 3, 0), flat(1, 2, 0)])).toThrow("heights 3 and 2 do not fit");
    expect(() => joinPictures([])).toThrow("there are no pictures");
  });
});
