import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import {
  type FloatTensor,
  type HostTensor,
  isKdcError,
  KdcError,
  parseJson,
  type Tree,
  treeLeaves,
} from "@kdc-mae/core";
import type { TensorFile } from "@kdc-mae/model";
import { readCheckpoint, writeTensors } from "@kdc-mae/model/node";

/** Arrays of a run, as trees by name. */
export type StateTrees = Readonly<Record<string, Tree<FloatTensor>>>;

/** Numbers that go with the arrays: counters, sums. */
export type StateNotes = Readonly<Record<string, unknown>>;

/** Where the state before the last is kept, and where a damaged one is put aside. */
const beside = (path: string, word: "before" | "damaged"): string => path.replace(/(\.[^./\\]*)?$/, `.${word}$1`);

/**
 * Saves trees of arrays and notes as one file with a checksum; a kill leaves the old file or the new one, never half of
 * each. The state before stays beside it.
 *
 * @param expectStill throws where the arrays were changed while they were written; what stood there stays then
 */
export function saveState(path: string, trees: StateTrees, notes: StateNotes, expectStill?: () => void): Promise<void> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, tree] of Object.entries(trees)) {
    for (const [leafPath, leaf] of treeLeaves(tree)) tensors[`${name}.${leafPath}`] = leaf;
  }
  return writeTensors(path, tensors, { notes: JSON.stringify(notes) }, { before: beside(path, "before"), expectStill });
}

const stateError = (path: string, what: string, remedy: string, cause?: unknown): KdcError =>
  new KdcError({ where: `state file ${path}`, what, remedy, reason: "state", cause });

/** What a state file holds, or the one before it where it is damaged or missing. */
async function readState(path: string, onNote: (note: string) => void): Promise<TensorFile | undefined> {
  const before = beside(path, "before");
  const damaged: string[] = [];
  for (const candidate of [path, before].filter(existsSync)) {
    try {
      const file = await readCheckpoint(candidate);
      if (damaged.length > 0) {
        // Out of the way, so that the next save does not put it in the good one's place.
        const aside = beside(path, "damaged");
        await rename(path, aside);
        onNote(`${damaged[0]}; the run goes on from the state before it (${before}); the damaged one is now ${aside}`);
      } else if (candidate === before) {
        onNote(`${path} is not there: a save was cut short; the run goes on from the state before it (${before})`);
      }
      return file;
    } catch (cause) {
      if (!isKdcError(cause) || cause.reason !== "bad-checkpoint") throw cause;
      damaged.push(`${cause.where}: ${cause.what}`);
    }
  }
  if (damaged.length === 0) return undefined;
  throw stateError(
    path,
    `nothing is left to go on from: ${damaged.join("; ")}`,
    "Restore an intact copy if you have one; else delete these files, and the run begins again from its first step",
  );
}

/**
 * Copies a saved state into trees of the same structure.
 *
 * @param onNote told where the state is not the last that was saved
 * @param expectOwn looks at the notes first, and throws where they are of another run; nothing is copied then
 * @returns the notes, or undefined when there is no file
 * @throws KdcError (`state`) when the file is of another run, or it and the one before it are damaged
 */
export async function restoreState(
  path: string,
  trees: StateTrees,
  onNote: (note: string) => void = () => undefined,
  expectOwn: (notes: StateNotes) => void = () => undefined,
): Promise<StateNotes | undefined> {
  const file = await readState(path, onNote);
  if (file === undefined) return undefined;
  const { tensors, metadata } = file;
  const notes = notesOf(path, metadata.notes);
  expectOwn(notes);
  const targets = Object.entries(trees).flatMap(([name, tree]) =>
    treeLeaves(tree).map(([leafPath, leaf]) => [`${name}.${leafPath}`, leaf] as const),
  );
  for (const [name, leaf] of targets) {
    const saved = tensors[name];
    if (saved === undefined || saved.data.length !== leaf.data.length) {
      throw stateError(
        path,
        `${name} is ${saved === undefined ? "missing" : `${saved.data.length} numbers, not ${leaf.data.length}`}`,
        `It belongs to another experiment: give another --out, or delete it and ${beside(path, "before")} to begin again`,
      );
    }
  }
  for (const [name, leaf] of targets) leaf.data.set(tensors[name].data as Float32Array);
  return notes;
}

function notesOf(path: string, text = "{}"): StateNotes {
  const remedy = "It was made by another program, or damaged: give another --out, or delete it to begin again";
  const notes = parseJson(text, { where: `state file ${path}`, remedy });
  if (typeof notes === "object" && notes !== null) return notes as StateNotes;
  throw stateError(path, "it does not say which run it belongs to", remedy);
}
