import { expectShape } from "@kdc-mae/core";
import { encode } from "fast-png";
import type { Picture } from "./pictures.js";

/**
 * The picture as the bytes of a PNG file (24-bit RGB).
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { encodePng } from "@kdc-mae/eval/report";
 *
 * const picture = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) }; // a red pixel and a blue one
 * await writeFile("two.png", encodePng(picture));
 * ```
 */
export function encodePng({ width, height, data }: Picture): Uint8Array {
  expectShape("encodePng", "data", { shape: [data.length] }, `${3 * width * height}`);
  return encode({ width, height, channels: 3, depth: 8, data: Uint8Array.from(data) });
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
export function pngDataUri(picture: Picture): string {
  return `data:image/png;base64,${base64(encodePng(picture))}`;
}
