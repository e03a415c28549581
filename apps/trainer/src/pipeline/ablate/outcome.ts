import { join } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { readJson, writeWhole } from "@kdc-mae/core/node";
import type { ArmRun, FigureToCompare } from "@kdc-mae/eval";

/** What a finished run leaves: every figure with its scores by clip, how it was measured, and what it took. */
export type Outcome = {
  readonly format: 1;
  readonly run: ArmRun;
  readonly figures: readonly FigureToCompare[];
  readonly engine: string;
  readonly machine: string;
  /** Says that scored clips are parts of recordings that are trained on too. */
  readonly near?: string;
};

/** Its presence means that a run is finished. */
export const OUTCOME_FILE = "outcome.json";

export const writeOutcome = (folder: string, outcome: Outcome): Promise<void> =>
  writeWhole(join(folder, OUTCOME_FILE), `${JSON.stringify(outcome)}\n`);

/** @throws KdcError for a file of another version */
export async function readOutcome(folder: string): Promise<Outcome> {
  const path = join(folder, OUTCOME_FILE);
  const outcome = (await readJson(path, "Delete the file to evaluate this run again")) as Outcome;
  if (outcome?.format === 1) return outcome;
  throw new KdcError({
    where: `outcome ${path}`,
    what: `its format is ${JSON.stringify(outcome?.format)}, not 1`,
    remedy: "Delete the file to evaluate this run again",
    reason: "outcome",
  });
}
