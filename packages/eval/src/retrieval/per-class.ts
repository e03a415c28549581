import { createRng, type Rng } from "@kdc-mae/core";

/**
 * A gallery of at most `perClass` clips of every class, drawn by seed, in the clips' own order: the lists that
 * audio-visual retrieval is usually reported on hold five.
 *
 * @param labels one class name (or number) per clip
 * @returns indices of the chosen clips, and the classes with fewer than `perClass`
 */
export function choosePerClass(
  labels: readonly (string | number)[],
  perClass = 5,
  rng: Rng = createRng("five-per-class"),
): { readonly chosen: Int32Array; readonly short: Readonly<Record<string, number>> } {
  const members = new Map<string, number[]>();
  for (const [index, label] of labels.entries()) {
    const name = String(label);
    members.set(name, [...(members.get(name) ?? []), index]);
  }
  const short: Record<string, number> = {};
  const chosen: number[] = [];
  for (const [name, indices] of members) {
    if (indices.length < perClass) short[name] = indices.length;
    // A stream for each class, so that one class more does not change the others' draw.
    const order = rng.fork(name).permutation(indices.length);
    for (const place of order.subarray(0, perClass)) chosen.push(indices[place]);
  }
  return { chosen: Int32Array.from(chosen).sort(), short };
}
