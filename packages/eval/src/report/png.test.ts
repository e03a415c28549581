import { createRng } from "@kdc-mae/core";
import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { base64, encodePng, pngDataUri } from "./png.js";

const rng = createRng("png");
const bytes = (length: number) => Uint8Array.from({ length }, () => rng.integer(256));

describe("encodePng", () => {
  const picture = { width: 7, height: 5, data: bytes(3 * 7 * 5) };

  it("is an RGB file of 8 bits a colour, smaller than the pixels where they repeat, and reads back", () => {
    const png = encodePng(picture);
    expect(decode(png)).toMatchObject({ width: 7, height: 5, channels: 3, depth: 8, data: picture.data });
    const grey = encodePng({ width: 40, height: 30, data: new Uint8Array(3 * 40 * 30).fill(128) });
    expect(grey.length).toBeLessThan(200);
    expect(decode(grey, { checkCrc: true }).data.every((value) => value === 128)).toBe(true);
  });

  it("refuses data of another size", () => {
    expect(() => encodePng({ width: 3, height: 3, data: new Uint8Array(26) })).toThrow(
      "data has shape [26], expected [27]",
    );
  });
});

it("base 64 equals the host's, with every padding", () => {
  for (const length of [0, 1, 2, 3, 100, 101]) {
    const some = bytes(length);
    expect(base64(some)).toBe(Buffer.from(some).toString("base64"));
  }
  expect(pngDataUri({ width: 1, height: 1, data: bytes(3) })).toMatch(/^data:image\/png;base64,iVBORw0KGgo/);
});
