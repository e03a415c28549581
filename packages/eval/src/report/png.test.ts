import { deflateSync, inflateSync } from "node:zlib";
import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { base64, encodePng, pngDataUri, storeUncompressed } from "./png.js";

const rng = createRng("png");
const bytes = (length: number) => Uint8Array.from({ length }, () => rng.integer(256));

describe("storeUncompressed", () => {
  it.each([0, 1, 65535, 65536, 140001])(
    "makes a zlib stream of %i bytes that zlib reads back, checksum and all",
    (n) => {
      const original = bytes(n);
      expect(Buffer.from(inflateSync(storeUncompressed(original))).equals(Buffer.from(original))).toBe(true);
    },
  );
});

describe("encodePng", () => {
  const picture = { width: 7, height: 5, data: bytes(3 * 7 * 5) };

  it("writes the header and rows that undo to the picture", () => {
    for (const deflate of [storeUncompressed, deflateSync]) {
      const png = Buffer.from(encodePng(picture, deflate));
      expect(png.subarray(1, 4).toString()).toBe("PNG");
      expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([7, 5, 8, 2]);
      const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
      const undone = new Uint8Array(3 * 7 * 5);
      for (let y = 0; y < 5; y++) {
        expect(rows[y * 22]).toBe(1);
        for (let i = 0; i < 21; i++) undone[y * 21 + i] = rows[y * 22 + 1 + i] + (i < 3 ? 0 : undone[y * 21 + i - 3]);
      }
      expect(undone).toEqual(picture.data);
    }
  });

  it("ends with the checksum every PNG file ends with", () => {
    expect(Buffer.from(encodePng(picture)).subarray(-12).toString("hex")).toBe("0000000049454e44ae426082");
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
