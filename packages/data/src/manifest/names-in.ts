import { opendir } from "node:fs/promises";

/** Places for marks: 2²⁶ bits, 8 MB, so that of ten million names few share one. */
const places = 2 ** 26;

/**
 * Tells, without asking the disk, whether a folder may hold a file of this name: a mark for every name in it, in memory
 * that does not grow with the folder. A no is certain, a yes nearly so. Where a list names thirty places for each of a
 * million clips and many are gone, that spares asking the disk millions of times.
 *
 * @returns always yes when the folder cannot be listed
 */
export async function namesIn(folder: string): Promise<(name: string) => boolean> {
  const marks = new Uint8Array(places / 8);
  try {
    for await (const { name } of await opendir(folder)) {
      const at = placeOf(name);
      marks[at >> 3] |= 1 << (at & 7);
    }
  } catch {
    return () => true;
  }
  return (name) => {
    const at = placeOf(name);
    return (marks[at >> 3] & (1 << (at & 7))) !== 0;
  };
}

/** FNV-1a over the letters, folded to a place. Small and capital letters are one: some disks take them for the same. */
function placeOf(name: string): number {
  const letters = name.toLowerCase();
  let hash = 0x811c9dc5;
  for (let at = 0; at < letters.length; at++) hash = Math.imul(hash ^ letters.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 13)) & (places - 1);
}
