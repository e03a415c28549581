import { expectShape } from "@kdc-mae/core";
import type { Picture } from "./pictures.js";

/** Compresses bytes to a zlib stream. Node's `zlib.deflateSync` is one. */
export type Deflate = (bytes: Uint8Array) => Uint8Array;

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = crcTable[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

const bigEndian = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function concatenate(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const named = concatenate([[...type].map((letter) => letter.charCodeAt(0)), body]);
  return concatenate([bigEndian(body.length), named, bigEndian(crc(named))]);
}

/** A zlib stream (RFC 1950) of stored blocks: not smaller, but needs nothing. */
export function storeUncompressed(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / 65535));
  const out = new Uint8Array(2 + 5 * blocks + bytes.length + 4);
  out.set([0x78, 0x01]);
  let at = 2;
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * 65535, (block + 1) * 65535);
    const last = block === blocks - 1 ? 1 : 0;
    const length = part.length;
    out.set([last, length & 255, length >>> 8, ~length & 255, (~length >>> 8) & 255], at);
    out.set(part, at + 5);
    at += 5 + length;
  }
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  out.set([b >>> 8, b & 255, a >>> 8, a & 255], at);
  return out;
}

/** Each row as differences to the pixel on the left (PNG filter 1), which compress better than the pixels. */
function filteredRows({ width, height, data }: Picture): Uint8Array {
  const row = 3 * width;
  const out = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) {
    out[y * (row + 1)] = 1;
    for (let i = 0; i < row; i++) {
      out[y * (row + 1) + 1 + i] = data[y * row + i] - (i < 3 ? 0 : data[y * row + i - 3]);
    }
  }
  return out;
}

/**
 * The picture as the bytes of a PNG file (24-bit RGB).
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { deflateSync } from "node:zlib";
 * import { encodePng } from "@kdc-mae/eval/report";
 *
 * const picture = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) }; // a red pixel and a blue one
 * await writeFile("two.png", encodePng(picture, deflateSync));
 * ```
 */
export function encodePng(picture: Picture, deflate: Deflate = storeUncompressed): Uint8Array {
  expectShape("encodePng", "data", { shape: [picture.data.length] }, `${3 * picture.width * picture.height}`);
  const header = Uint8Array.from([...bigEndian(picture.width), ...bigEndian(picture.height), 8, 2, 0, 0, 0]);
  return concatenate([
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    chunk("IHDR", header),
    chunk("IDAT", deflate(filteredRows(picture))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Bytes in base 64, with padding. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const four = [18, 12, 6, 0].map((shift) => alphabet[(word >>> shift) & 63]);
    const missing = Math.max(0, i + 3 - bytes.length);
    text += four.slice(0, 4 - missing).join("") + "=".repeat(missing);
  }
  return text;
}

/** The picture as a `data:` address, for pages that must open without a network. */
export function pngDataUri(picture: Picture, deflate?: Deflate): string {
  return `data:image/png;base64,${base64(encodePng(picture, deflate))}`;
}
