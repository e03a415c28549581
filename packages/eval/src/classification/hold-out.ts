import { createRng, type Rng } from "@kdc-mae/core";
import { fewerThan, partsOf, type Recordings } from "../recordings.js";

/** Recordings by the kind of their clips, in the order in which they come; those of several kinds are one of their own. */
export function recordingsByKind(
  groups: ArrayLike<number>,
  recordings?: Recordings,
): ReadonlyMap<number | "mixed", readonly Int32Array[]> {
  const kinds = new Map<number | "mixed", Int32Array[]>();
  for (const part of partsOf(groups.length, recordings)) {
    const kind = part.every((clip) => groups[clip] === groups[part[0]]) ? groups[part[0]] : "mixed";
    const own = kinds.get(kind);
    if (own === undefined) kinds.set(kind, [part]);
    else own.push(part);
  }
  return kinds;
}

/**
 * Sets a share of every kind's recordings aside by seed, with all their clips: at least one of a kind with two or more,
 * and none with whose clips a kind would be gone. Recordings of several kinds are one kind of their own.
 *
 * @param groups one kind per clip
 * @param options.share a fifth unless given
 * @param options.recordings of each clip, where clips are parts of fewer; each one of its own unless given
 * @throws KdcError (`recordings`) where they are not one number for each clip
 */
export function holdOut(
  groups: ArrayLike<number>,
  {
    share = 0.2,
    rng = createRng("hold-out"),
    recordings,
  }: { readonly share?: number; readonly rng?: Rng; readonly recordings?: Recordings } = {},
): { readonly kept: Int32Array; readonly held: Int32Array } {
  const left = countOf(groups);
  const held = new Set<number>();
  for (const [kind, parts] of recordingsByKind(groups, recordings)) {
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
