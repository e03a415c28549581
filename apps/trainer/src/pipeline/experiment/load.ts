import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { isRecord, withChanges } from "./change.js";
import { checkExperiment } from "./check.js";
import { commandOf } from "./command-of.js";
import { named } from "./named.js";
import { withoutNotes } from "./notes.js";
import { readDefault } from "./read-default.js";
import type { CheckedExperiment, ExperimentFile } from "./schema.js";

/**
 * An experiment by name (see {@link named}), from a file (`.ts`, `.mjs`, `.js`, `.json`), or as a file would hold it: a whole
 * experiment, or a base and what is changed in it (see {@link ExperimentFile}). Further changes are laid over it.
 *
 * @throws KdcError for an unknown name, a missing or broken file, or a wrong key
 * @example
 * const experiment = await loadExperiment({ base: "demo", name: "longer", training: { epochs: 30 } });
 */
export async function loadExperiment(
  asked: string | ExperimentFile,
  changes: readonly unknown[] = [],
): Promise<CheckedExperiment> {
  return checkExperiment(await resolveExperiment(asked, named, changes), titleOf(asked));
}

/** What an experiment is called in messages before it is checked: its name or file, or the name it gives itself. */
export const titleOf = (asked: unknown): string => {
  if (typeof asked === "string") return asked;
  return isRecord(asked) && typeof asked.name === "string" ? asked.name : "as given";
};

/** What a name or a file holds, or a value says, not checked yet. `known`: what the names stand for. */
export async function resolveExperiment(
  asked: unknown,
  known: Readonly<Record<string, unknown>>,
  changes: readonly unknown[] = [],
): Promise<unknown> {
  return changes.reduce(withChanges, await experimentFrom(asked, known));
}

/** What is called by no known name: one that is wrong by itself, or a file that is not there. */
export const reasonNotFound = (nameOrFile: string): "experiment" | "missing" =>
  /[\\/]|\.([cm]?[jt]s|json)$/.test(nameOrFile) ? "missing" : "experiment";

/** `trail`: the files that led here, each naming the next as its base. */
async function resolveBase(
  nameOrFile: string,
  known: Readonly<Record<string, unknown>>,
  trail: readonly string[] = [],
): Promise<unknown> {
  if (Object.hasOwn(known, nameOrFile)) return known[nameOrFile];
  const path = resolve(nameOrFile);
  if (trail.includes(path)) {
    throw new KdcError({
      where: `experiment ${trail[0]}`,
      what: `its base leads back to itself: ${[...trail, path].join(" → ")}`,
      remedy: `Name a base that stands on its own, such as ${Object.keys(known)[0]}`,
      reason: "experiment",
    });
  }
  if (!existsSync(path)) {
    const command = commandOf(nameOrFile);
    throw new KdcError({
      where: trail.length === 0 ? "experiment" : `experiment ${trail[0]}, base`,
      what:
        command === undefined
          ? `"${nameOrFile}" is neither a named experiment nor a file`
          : `"${nameOrFile}" is for kdc-mae ${command}`,
      remedy: `Use one of ${Object.keys(known).join(", ")}, or the path of a .ts, .mjs or .json file`,
      reason: reasonNotFound(nameOrFile),
    });
  }
  const value = withoutNotes(await readDefault(path, `experiment ${nameOrFile}`));
  return experimentFrom(value, known, [...trail, path]);
}

/**
 * What a value says is an experiment, not yet checked: a name or file, the experiment itself, or a base with changes:
 * its other keys are laid over the base, then `change`.
 *
 * @throws KdcError for a change that is no record
 */
export async function experimentFrom(
  value: unknown,
  known: Readonly<Record<string, unknown>> = named,
  trail: readonly string[] = [],
): Promise<unknown> {
  if (typeof value === "string") return resolveBase(value, known, trail);
  if (!isRecord(value) || typeof value.base !== "string") return value;
  const { base, change = {}, ...others } = value;
  if (!isRecord(change)) {
    throw new KdcError({
      where: `experiment ${trail.at(-1) ?? base}`,
      what: `change is ${JSON.stringify(change)}, not a record of keys`,
      remedy: 'Write it as { "change": { "seed": 7 } }, or the keys beside base',
      reason: "experiment",
    });
  }
  return [others, change].reduce(withChanges, await resolveBase(base, known, trail));
}
