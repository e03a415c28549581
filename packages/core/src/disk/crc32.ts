import * as zlib from "node:zlib";

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 as in zip and gzip (ISO 3309), by table. */
export function crc32ByTable(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = table[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** CRC-32 as in zip and gzip; Node's own where it has one (20.15 and newer). */
export const crc32: (bytes: Uint8Array) => number = zlib.crc32 ?? crc32ByTable;
