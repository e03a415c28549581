import { KdcError } from "@kdc-mae/core";

/**
 * Of each clip the number of the recording it is a part of, in the order of the clips: windows of one film have the same
 * number. Which numbers they are does not matter.
 */
export type Recordings = ArrayLike<number>;

/**
 * Clips recording by recording, in the order in which recordings first come: what is drawn, left out or dealt as one.
 * Without recordings every clip is one of its own.
 *
 * @throws KdcError (`recordings`) where they are not one number for each clip
 */
export function partsOf(clips: number, recordings?: Recordings): readonly Int32Array[] {
  if (recordings === undefined) return Array.from({ length: clips }, (_, clip) => Int32Array.of(clip));
  if (recordings.length !== clips) {
    throw new KdcError({
      where: "intervals by recording",
      what: `there are ${clips} clips, and recordings of ${recordings.length}`,
      remedy: "Give the number of a recording for every clip, in the order of the clips",
      reason: "recordings",
    });
  }
  const parts = new Map<number, number[]>();
  for (let clip = 0; clip < clips; clip++) {
    const own = parts.get(recordings[clip]);
    if (own === undefined) parts.set(recordings[clip], [clip]);
    else own.push(clip);
  }
  return Array.from(parts.values(), (own) => Int32Array.from(own));
}

/** How intervals of some of the clips are drawn: the recordings are those of these places. */
export const atPlaces = <Options extends { readonly recordings?: Recordings }>(
  options: Options | undefined,
  places: ArrayLike<number>,
): Options | undefined => {
  const { recordings } = options ?? {};
  if (options === undefined || recordings === undefined) return options;
  return { ...options, recordings: Float64Array.from(places, (place) => recordings[place]) };
};

/** Recordings by name as numbers, in the order in which they first come. */
export function recordingNumbers(names: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(names, (name) => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  });
}

/** How many recordings clips are parts of, for who tells of it: left out where each clip is of its own. */
export function fewerThan(clips: number, recordings: Recordings | undefined): { readonly recordings?: number } {
  if (recordings === undefined) return {};
  const count = new Set(Array.from(recordings)).size;
  return count < clips ? { recordings: count } : {};
}

/** Says why a figure that exists has no interval though there are several clips: it stands on one of them, or on one recording. */
export function standsOnOne(
  figures: string,
  { low }: { readonly low: number },
  { evaluated, recordings = evaluated }: { readonly evaluated: number; readonly recordings?: number },
): readonly string[] {
  if (!Number.isNaN(low) || recordings < 2) return [];
  const one = recordings < evaluated ? "recording" : "clip";
  return [`${figures} have no interval: without one ${one} there would be nothing to tell apart`];
}
