import { manifestError } from "./manifest-error.js";
import type { Entry, ManifestItem } from "./manifest-item.js";

/**
 * Remembers names and the line each stood in, in about 24 bytes a name: two 32-bit hashes of it. Of a million names
 * two share both with a chance of 3 in 10⁸.
 */
export function nameLedger(): (name: string, line: number) => number | undefined {
  let capacity = 1 << 12;
  let slots = new Uint32Array(3 * capacity);
  let held = 0;
  const put = (first: number, second: number, line: number): number | undefined => {
    for (let at = first % capacity; ; at = (at + 1) % capacity) {
      const place = 3 * at;
      if (slots[place] === 0) {
        slots.set([first, second, line], place);
        held++;
        return undefined;
      }
      if (slots[place] === first && slots[place + 1] === second) return slots[place + 2];
    }
  };
  const grow = () => {
    const before = slots;
    capacity *= 2;
    slots = new Uint32Array(3 * capacity);
    held = 0;
    for (let at = 0; at < before.length; at += 3) {
      if (before[at] !== 0) put(before[at], before[at + 1], before[at + 2]);
    }
  };
  return (name, line) => {
    if (2 * held > capacity) grow();
    let [one, two] = [0x811c9dc5, 0x9e3779b9];
    for (let at = 0; at < name.length; at++) {
      const letter = name.charCodeAt(at);
      one = Math.imul(one ^ letter, 0x01000193);
      two = Math.imul(two ^ letter, 0x85ebca6b);
      two ^= two >>> 13;
    }
    one ^= one >>> 15;
    return put(one >>> 0 || 1, two >>> 0, line);
  };
}

/**
 * Passes items on and holds that an id names one clip: an id made from a path gives way to a longer one, a written one
 * that comes again is refused.
 *
 * @throws KdcError naming both lines
 */
export async function* oneIdOneClip(file: string, entries: AsyncIterable<Entry>): AsyncGenerator<ManifestItem> {
  const lineOf = nameLedger();
  for await (const { item, line, otherId } of entries) {
    if (line === undefined) {
      yield item;
      continue;
    }
    // A file named without an id: the same file and time twice are one clip, whatever its id became.
    const twin = otherId === undefined ? undefined : lineOf(`\0${otherId}`, line);
    const before = twin ?? lineOf(item.id, line);
    if (before === undefined) yield item;
    else if (twin === undefined && otherId !== undefined && lineOf(otherId, line) === undefined)
      yield { ...item, id: otherId };
    else throw repeated({ file, line }, before, item.id, otherId === undefined);
  }
}

const repeated = (
  at: { readonly file: string; readonly line: number },
  before: number,
  id: string,
  written: boolean,
) =>
  written
    ? manifestError(
        { ...at, column: "id" },
        `the id ${JSON.stringify(id)} stands in line ${before} already, and an id names one clip`,
        "Give each clip an id of its own, or leave the column id out",
      )
    : manifestError(
        { ...at, column: "path" },
        `the same file and time stand in line ${before} already`,
        "Write a clip once, with all its labels (a;b)",
      );
