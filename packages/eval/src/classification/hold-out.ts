import { createRng, type Rng } from "@kdc-mae/core";
import { fewerThan, partsOf, type Recordings } from "../recordings.js";

/**
 * Sets a share of every kind's recordings aside by seed, with all their clips: at least one of a kind with two or more,
 * and none with whose clips a kind would be gone. Recordings of several kinds are one kind of their own.
 *
 * @param groups one kind per clip
 * @param recordings of each clip, where clips are parts of fewer; each one of its own unless given
 * @throws KdcError (`recordings`) where they are not one number for each clip
 */
export function holdOut(
  groups: ArrayLike<number>,
  share = 0.2,
  rng: Rng = createRng("hold-out"),
  recordings?: Recordings,
): { readonly kept: Int32Array; readonly held: Int32Array } {
  const members = new Map<number | "mixed", Int32Array[]>();
  for (const part of partsOf(groups.length, recordings)) {
    const kind = part.every((clip) => groups[clip] === groups[part[0]]) ? groups[part[0]] : "mixed";
    members.set(kind, [...(members.get(kind) ?? []), part]);
  }
  const left = countOf(groups);
  const held = new Set<number>();
  for (const [kind, parts] of members) {
    let count = parts.length < 2 ? 0 : Math.max(1, Math.round(share * parts.length));
    for (const place of rng.fork(kind).permutation(parts.length)) {
      if (count === 0) break;
      const own = countOf(Array.from(parts[place], (clip) => groups[clip]));
      if ([...own].some(([one, clips]) => left.get(one) === clips)) continue;
      for (const [one, clips] of own) left.set(one, (left.get(one) ?? 0) - clips);
      for (const clip of parts[place]) held.add(clip);
      count -= 1;
    }
  }
  const all = Int32Array.from({ length: groups.length }, (_, index) => index);
  return { kept: all.filter((index) => !held.has(index)), held: all.filter((index) => held.has(index)) };
}

/** How many there are of each kind. */
function countOf(groups: ArrayLike<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (let at = 0; at < groups.length; at++) counts.set(groups[at], (counts.get(groups[at]) ?? 0) + 1);
  return counts;
}

/** What {@link holdOut} set a fifth aside of, in words. Where every kind has one recording none can be spared. */
export const heldInWords = (held: Int32Array, clips: number, recordings?: Recordings): string =>
  held.length === 0
    ? "the training clips"
    : fewerThan(clips, recordings).recordings === undefined
      ? "a fifth of the training clips, which it is not fitted on"
      : "a fifth of the training recordings, whose clips it is not fitted on";
