import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { isRecord, withChanges } from "./change.js";
import { checkExperiment } from "./check.js";
import { named } from "./named.js";
import { withoutNotes } from "./notes.js";
import { readDefault } from "./read-default.js";
import type { CheckedExperiment } from "./schema.js";

/**
 * An experiment by name (see {@link named}) or from a file (`.ts`, `.mjs`, `.js`, `.json`): a whole experiment, or a base
 * and what is changed in it (see {@link ExperimentFile}). Further changes are laid over it.
 *
 * @throws KdcError for an unknown name, a missing or broken file, or a wrong key
 */
export async function loadExperiment(nameOrFile: string, changes: readonly unknown[] = []): Promise<CheckedExperiment> {
  return checkExperiment(await resolveExperiment(nameOrFile, named, changes), nameOrFile);
}

/** What a name or a file holds, not checked yet. `known`: what the names stand for. */
export async function resolveExperiment(
  nameOrFile: string,
  known: Readonly<Record<string, unknown>>,
  changes: readonly unknown[] = [],
): Promise<unknown> {
  return changes.reduce(withChanges, await resolveBase(nameOrFile, known));
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
    throw new KdcError({
      where: "experiment",
      what: `"${nameOrFile}" is neither a named experiment nor a file`,
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
