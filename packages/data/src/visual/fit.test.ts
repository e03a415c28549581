import { expect, it } from "vitest";
import { pictureOutput } from "../media/command.js";
import { upright } from "../media/container/turn.js";
import { fit } from "./fit.js";

const made = (width: number, height: number) => ({
  width,
  height,
  time: 1.5,
  data: Uint8Array.from({ length: width * height * 3 }, (_, index) => {
    const [channel, x, y] = [index % 3, Math.floor(index / 3) % width, Math.floor(index / 3 / width)];
    return (x * x * 7 + y * 13 + channel * 50 + x * y * 3) % 256;
  }),
});
const worst = (got: Uint8Array, wanted: readonly number[]) =>
  Math.max(...wanted.map((value, index) => Math.abs(got[index] - value)));

it("shrinks a wide picture as Pillow 12.3 does: resize(BICUBIC), then the middle square", () => {
  const pillow = [
    136, 134, 132, 130, 131, 127, 131, 117, 118, 99, 133, 160, 115, 89, 127, 112, 123, 140, 125, 114, 126, 104, 130,
    129, 126, 113, 118, 155, 136, 96, 117, 127, 125, 138, 137, 133, 121, 109, 115, 135, 143, 119, 131, 142, 126, 127,
    131, 129, 125, 133, 114, 123, 135, 129, 124, 107, 123, 131, 125, 131, 149, 143, 120, 126, 145, 144, 119, 101, 110,
    168, 137, 81, 126, 131, 116,
  ];
  const fitted = fit(made(23, 13), 5);
  expect([fitted.width, fitted.height, fitted.time, fitted.data.length]).toEqual([5, 5, 1.5, 75]);
  expect(worst(fitted.data, pillow)).toBeLessThanOrEqual(1);
});

it("enlarges a tall picture as Pillow 12.3 does (its first row)", () => {
  const pillow = [
    25, 75, 125, 28, 78, 128, 36, 86, 136, 48, 98, 148, 63, 113, 163, 82, 132, 197, 106, 156, 206, 134, 201, 97, 168,
    205, 5, 223, 90, 36, 216, 28, 88, 103, 82, 138, 43, 114, 164,
  ];
  const fitted = fit(made(7, 11), 13);
  expect(fitted.data.length).toBe(13 * 13 * 3);
  expect(worst(fitted.data, pillow)).toBeLessThanOrEqual(1);
});

it("cuts where torchvision's CenterCrop does: of two middles at the even pixel", () => {
  // Rows alike, column x of brightness 8 · x: resized to its own size the crop is seen by its first column.
  // int(round((w - 5) / 2.0)) of Python 3.11, which CenterCrop computes, for w of 5 to 14.
  const cut = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((width) => {
    const data = Uint8Array.from({ length: width * 5 * 3 }, (_, index) => 8 * (Math.floor(index / 3) % width));
    return fit({ width, height: 5, time: 0, data }, 5).data[0] / 8;
  });
  expect(cut).toEqual([0, 0, 1, 2, 2, 2, 3, 4, 4, 4]);
  // ffmpeg is asked for the same: of 426 × 240, which becomes 397 × 224, and of 256 × 340, 224 × 297.
  const asked = [
    { width: 426, height: 240 },
    { width: 256, height: 340 },
  ].map((shown) => {
    const track = { index: 0, codec: "h264", shown, turn: upright };
    return pictureOutput(0, track, { select: "1", count: 1 }, { size: 224, shift: 0 })
      .join(" ")
      .match(/crop=\S+?(?=,)/)?.[0];
  });
  expect(asked).toEqual(["crop=224:224:86:0", "crop=224:224:0:36"]);
});

it("keeps a square picture of the right size as it is", () => {
  expect(fit(made(7, 7), 7)).toEqual(made(7, 7));
});

it("refuses bytes that are no picture", () => {
  const bad = { ...made(7, 7), width: 8 };
  expect(() => fit(bad, 5)).toThrow("fit: a frame of 8 × 7 with 147 bytes cannot be fitted to 5 pixels");
});
