import { existsSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { describeIssue } from "../experiment/check.js";
import { commandOf } from "../experiment/command-of.js";
import { experimentFrom, reasonNotFound, titleOf } from "../experiment/load.js";
import { named as namedExperiments } from "../experiment/named.js";
import { withoutNotes } from "../experiment/notes.js";
import { readDefault } from "../experiment/read-default.js";
import { namedAblations } from "./named.js";
import { refuse } from "./refuse.js";
import { type Ablation, ablationSchema, type CheckedAblation } from "./schema.js";

/** An ablation with its base as it was written, not yet checked. */
export type LoadedAblation = { readonly ablation: CheckedAblation; readonly base: unknown };

/** What makes a checked ablation hang together, beyond its keys. */
function expectConsistent({ arms, comparisons = [] }: CheckedAblation, where: string): void {
  const names = arms.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(where, `two arms are called "${twice}"`, "Give one of them another name");
  for (const { title, arms: asked } of comparisons) {
    const missing = asked.find((name) => !names.includes(name));
    if (missing !== undefined) {
      refuse(where, `"${title}" compares the arm "${missing}", which is not there`, `Use ${names.join(", ")}`);
    }
  }
}

/**
 * Checks an ablation and fills in its defaults.
 *
 * @param source where it came from, for the message
 * @throws KdcError (`experiment`) naming every wrong key
 */
export function checkAblation(value: unknown, source: string): CheckedAblation {
  const where = `ablation ${source}`;
  const result = ablationSchema.safeParse(value);
  if (!result.success) {
    const what = result.error.issues.map((issue) => describeIssue(issue, "the ablation")).join("; ");
    return refuse(where, what, "Correct the ablation file; docs/ablations.md says what may stand in it");
  }
  expectConsistent(result.data, where);
  return result.data;
}

/**
 * An ablation by the name under which `kdc-mae experiments` lists it, from a file (`.ts`, `.mjs`, `.js`, `.json`), or as such a
 * file holds it, with its base.
 *
 * @throws KdcError (`experiment`) for an unknown name, a broken file or a wrong key; `missing` for a file that is not there
 */
export async function loadAblation(asked: string | Ablation): Promise<LoadedAblation> {
  if (typeof asked === "string") return fromFile(asked);
  const ablation = checkAblation(asked, titleOf(asked));
  return { ablation, base: await experimentFrom(ablation.base) };
}

async function fromFile(nameOrFile: string): Promise<LoadedAblation> {
  if (Object.hasOwn(namedAblations, nameOrFile)) {
    const ablation = checkAblation(namedAblations[nameOrFile], nameOrFile);
    return { ablation, base: await experimentFrom(ablation.base) };
  }
  const path = resolve(nameOrFile);
  if (!existsSync(path)) {
    const command = commandOf(nameOrFile);
    refuse(
      "ablation",
      command === undefined
        ? `"${nameOrFile}" is neither a named ablation nor a file`
        : `"${nameOrFile}" is for kdc-mae ${command}`,
      `Use ${Object.keys(namedAblations).join(", ")}, or the path of a .ts, .mjs or .json file`,
      reasonNotFound(nameOrFile),
    );
  }
  const read = withoutNotes(await readDefault(path, `ablation ${basename(nameOrFile)}`));
  const ablation = checkAblation(read, basename(nameOrFile));
  return { ablation, base: await experimentFrom(besides(ablation.base, dirname(path))) };
}

/** A base that is a file, looked for beside the ablation's. */
function besides(base: unknown, folder: string): unknown {
  if (typeof base !== "string" || Object.hasOwn(namedExperiments, base)) return base;
  const beside = resolve(folder, base);
  return extname(base) !== "" && existsSync(beside) ? beside : base;
}
