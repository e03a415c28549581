import { existsSync } from "node:fs";
import { type FloatTensor, type HostTensor, KdcError, treeLeaves } from "@kdc-mae/core";
import { readCheckpoint, writeTensors } from "@kdc-mae/model/node";

/** Numbers that go with the arrays: counters, sums. */
export type StateNotes = Readonly<Record<string, unknown>>;

/** Saves trees of arrays and notes as one file; a kill leaves the old file or the new one, never half of each. */
export function saveState(path: string, trees: Readonly<Record<string, unknown>>, notes: StateNotes): Promise<void> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, tree] of Object.entries(trees)) {
    for (const [leafPath, leaf] of treeLeaves<FloatTensor>(tree)) tensors[`${name}.${leafPath}`] = leaf;
  }
  return writeTensors(path, tensors, { notes: JSON.stringify(notes) });
}

/**
 * Copies a saved state into trees of the same structure.
 *
 * @returns the notes, or undefined when there is no file
 * @throws KdcError when the file is of another run
 */
export async function restoreState(
  path: string,
  trees: Readonly<Record<string, unknown>>,
): Promise<StateNotes | undefined> {
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = await readCheckpoint(path);
  const targets = Object.entries(trees).flatMap(([name, tree]) =>
    treeLeaves<FloatTensor>(tree).map(([leafPath, leaf]) => [`${name}.${leafPath}`, leaf] as const),
  );
  for (const [name, leaf] of targets) {
    const saved = tensors[name];
    if (saved === undefined || saved.data.length !== leaf.data.length) {
      throw new KdcError({
        where: `state file ${path}`,
        what: `${name} is ${saved === undefined ? "missing" : `${saved.data.length} numbers, not ${leaf.data.length}`}`,
        remedy: "It belongs to another experiment: give another --out, or delete the file to begin again",
        reason: "state",
      });
    }
  }
  for (const [name, leaf] of targets) leaf.data.set(tensors[name].data as Float32Array);
  return JSON.parse(metadata.notes ?? "{}");
}
