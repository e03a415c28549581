import sharp from "sharp";
import { expect, it } from "vitest";
import { decodePicture } from "./encode-picture.js";

it("turns a picture as its EXIF orientation says, all eight of them", async () => {
  // Red to the left above, and nothing else: 6 × 4 pixels in blocks, so that JPEG keeps them apart.
  const [width, height] = [48, 32];
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < 16; y++) for (let x = 0; x < 16; x++) data[(y * width + x) * 3] = 255;
  const upright = sharp(data, { raw: { width, height, channels: 3 } });
  const corner = { 1: "0 0", 2: "1 0", 3: "1 1", 4: "0 1", 5: "0 0", 6: "1 0", 7: "1 1", 8: "0 1" } as const;
  for (const [orientation, wanted] of Object.entries(corner)) {
    const file = await upright
      .clone()
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: Number(orientation) })
      .toBuffer();
    const frame = await decodePicture(file, "a photograph");
    const swapped = Number(orientation) > 4;
    expect([frame.width, frame.height]).toEqual(swapped ? [height, width] : [width, height]);
    const red = (right: number, low: number) => {
      const [x, y] = [right ? frame.width - 8 : 8, low ? frame.height - 8 : 8];
      return frame.data[(y * frame.width + x) * 3] > 128;
    };
    const found = [0, 1].flatMap((low) => [0, 1].filter((right) => red(right, low)).map((right) => `${right} ${low}`));
    expect(found, `orientation ${orientation}`).toEqual([wanted]);
  }
});
