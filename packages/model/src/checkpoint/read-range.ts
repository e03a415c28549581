import type { FileHandle } from "node:fs/promises";

/** Bytes `[start, end)`, or as many as there are. */
export async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let at = 0;
  while (at < bytes.byteLength) {
    // Some systems read at most 2 GB at once.
    const length = Math.min(bytes.byteLength - at, 2 ** 30);
    const { bytesRead } = await file.read(bytes, at, length, start + at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}
