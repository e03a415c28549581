import { clipsOf, type Segment } from "./segment.js";

/** Tells quickly which files a segment surely does not hold. */
export type HashedFiles = { mayHold(hash: number): boolean };

/** 53 bits of a name (cyrb53). */
export function hashOfFile(file: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < file.length; at++) {
    const code = file.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (b & 0x1fffff) + (a >>> 0);
}

/** The names of a segment as sorted hashes: 8 bytes a clip. */
export async function fileHashes(segment: Segment): Promise<HashedFiles> {
  const hashes = new Float64Array(segment.about.rows);
  for await (const { from, clips } of clipsOf(segment)) {
    for (const [at, { file }] of clips.entries()) hashes[from + at] = hashOfFile(file);
  }
  hashes.sort();
  return {
    mayHold(hash) {
      let [from, to] = [0, hashes.length];
      while (from < to) {
        const middle = (from + to) >> 1;
        if (hashes[middle] < hash) from = middle + 1;
        else to = middle;
      }
      return hashes[from] === hash;
    },
  };
}
