import * as zlib from "node:zlib";

const tableOf = (polynomial: number): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    return value;
  });

const sumBy =
  (table: Uint32Array) =>
  (bytes: Uint8Array): number => {
    let sum = 0xffffffff;
    for (const byte of bytes) sum = table[(sum ^ byte) & 255] ^ (sum >>> 8);
    return ~sum >>> 0;
  };

/** CRC-32 as in zip and gzip (ISO 3309), by table. */
export const crc32ByTable = sumBy(tableOf(0xedb88320));

/** CRC-32C (Castagnoli; RFC 3720, appendix B.4), as TensorFlow's records have it. */
export const crc32c = sumBy(tableOf(0x82f63b78));

/** CRC-32 as in zip and gzip; Node's own where it has one (20.15 and newer). */
export const crc32: (bytes: Uint8Array) => number = zlib.crc32 ?? crc32ByTable;
