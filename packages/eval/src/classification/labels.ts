import { KdcError } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";

/**
 * The kinds that occur, sorted by name.
 *
 * @example
 * ```ts
 * import { kindsOf } from "@kdc-mae/eval";
 *
 * kindsOf(["drum", "bell", "drum"]); // ["bell", "drum"]
 * ```
 */
export function kindsOf(labels: Iterable<string>): readonly string[] {
  return [...new Set(labels)].sort();
}

function placeOf(kinds: readonly string[], label: string, clip: number, places: ReadonlyMap<string, number>): number {
  const place = places.get(label);
  if (place !== undefined) return place;
  const listed = kinds.length > 12 ? `${kinds.slice(0, 12).join(", ")} … (${kinds.length} in all)` : kinds.join(", ");
  throw new KdcError({
    where: "labels",
    what: `clip ${clip} is labelled ${JSON.stringify(label)}, which is not among the kinds`,
    remedy: `The kinds are ${listed}. Correct the manifest, or evaluate with the kinds of the training set it belongs to`,
    reason: "unknown-label",
  });
}

const placesOf = (kinds: readonly string[]) => new Map(kinds.map((kind, place) => [kind, place]));

/**
 * One label per clip as its place among the kinds, `[N]`.
 *
 * @throws KdcError (`unknown-label`)
 *
 * @example
 * ```ts
 * import { labelIndices } from "@kdc-mae/eval";
 *
 * labelIndices(["bell", "drum"], ["drum", "bell", "drum"]); // 1, 0, 1
 * ```
 */
export function labelIndices(kinds: readonly string[], labels: readonly string[]): Int32Array {
  const places = placesOf(kinds);
  return Int32Array.from(labels, (label, clip) => placeOf(kinds, label, clip, places));
}

/**
 * Any number of labels per clip as 0/1 targets, `[N, C]`.
 *
 * @throws KdcError (`unknown-label`)
 */
export function labelTargets(kinds: readonly string[], labels: readonly (readonly string[])[]): Matrix {
  const places = placesOf(kinds);
  const targets = matrix(labels.length, kinds.length);
  for (const [clip, names] of labels.entries()) {
    for (const name of names) targets.data[clip * kinds.length + placeOf(kinds, name, clip, places)] = 1;
  }
  return targets;
}

/** Places among C kinds as 0/1 targets, `[N, C]`. */
export function oneHot(labels: ArrayLike<number>, kinds: number): Matrix {
  const targets = matrix(labels.length, kinds);
  for (let i = 0; i < labels.length; i++) targets.data[i * kinds + labels[i]] = 1;
  return targets;
}
