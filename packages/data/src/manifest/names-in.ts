import { opendir } from "node:fs/promises";
import { join } from "node:path";

/** Places for marks: 2²⁶ bits, 8 MB, so that of ten million names few share one. */
const places = 2 ** 26;

/** What a folder may hold, as far as that is known without asking the disk. */
export type NamesIn = {
  /** Of a file's path below the folder, with `/`: a no is certain, a yes nearly so; capitals are not looked at. */
  readonly mayHold: (path: string) => boolean;
  /** Its folders and theirs, by their paths below it; `""` is itself. */
  readonly folders: ReadonlySet<string>;
};

/**
 * Reads the names in a folder and in `depth` levels of folders below it, a mark for each, in memory that does not grow
 * with the folder. Where a list names thirty places for each of a million clips and many are gone, that spares asking
 * the disk millions of times.
 *
 * @returns always yes when the folder cannot be listed
 */
export async function namesIn(folder: string, depth = 2): Promise<NamesIn> {
  const marks = new Uint8Array(places / 8);
  const folders = new Set([""]);
  const read = async (below: string, left: number): Promise<void> => {
    const inside: string[] = [];
    for await (const entry of await opendir(join(folder, below))) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) inside.push(path);
      const at = placeOf(path);
      marks[at >> 3] |= 1 << (at & 7);
    }
    for (const path of inside) {
      folders.add(path);
      if (left > 0) await read(path, left - 1);
    }
  };
  try {
    await read("", depth);
  } catch {
    return { mayHold: () => true, folders };
  }
  return {
    folders,
    mayHold: (path) => {
      const at = placeOf(path);
      return (marks[at >> 3] & (1 << (at & 7))) !== 0;
    },
  };
}

/** FNV-1a over the letters, folded to a place. Small and capital letters are one: some disks take them for the same. */
function placeOf(name: string): number {
  const letters = name.toLowerCase();
  let hash = 0x811c9dc5;
  for (let at = 0; at < letters.length; at++) hash = Math.imul(hash ^ letters.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 13)) & (places - 1);
}
