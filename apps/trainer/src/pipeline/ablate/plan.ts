import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { differingKeys } from "../experiment/differing.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { Arm } from "./arms.js";
import { OUTCOME_FILE } from "./outcome.js";

/** One training with its evaluation; arms that come to the same experiment share it. */
export type PlannedRun = {
  readonly arms: readonly string[];
  readonly seed: number;
  readonly experiment: CheckedExperiment;
  readonly folder: string;
  readonly state: "finished" | "begun" | "new";
};

/** A run in the folder that the ablation, as it is now, has no place for. */
export type StrayRun = { readonly folder: string; readonly why: string };

export type AblationPlan = { readonly runs: readonly PlannedRun[]; readonly strays: readonly StrayRun[] };

/** A value with the keys of every record in one order, as JSON. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** The text of the loss terms that are values: their JSON is the name alone, and their code is what a run depends on. */
const codeOf = ({ objective }: CheckedExperiment): string =>
  objective.map(({ term }) => (typeof term === "string" ? "" : `${term.needs}${term.compute}`)).join("\n");

/** What a run is recognised by: all that its experiment says but the name, and the code of loss terms in it. */
export function contentKey(experiment: CheckedExperiment): string {
  const { name, ...content } = JSON.parse(JSON.stringify(experiment));
  return createHash("sha256")
    .update(canonical(content) + codeOf(experiment))
    .digest("hex")
    .slice(0, 10);
}

const keyOf = (folder: string): string => folder.slice(folder.lastIndexOf("-") + 1);

const readExperiment = async (folder: string): Promise<Record<string, unknown> | undefined> => {
  try {
    return JSON.parse(await readFile(join(folder, "experiment.json"), "utf8"));
  } catch {
    return undefined;
  }
};

/** Why a folder's run has no place: what its arm is now, as keys that differ. */
async function strayOf(root: string, folder: string, runs: readonly PlannedRun[]): Promise<StrayRun> {
  const before = await readExperiment(join(root, folder));
  if (before === undefined) return { folder, why: "it holds no experiment" };
  const now = runs.find(({ experiment: { name }, seed }) => name === before.name && seed === before.seed);
  if (now === undefined) return { folder, why: "the ablation has no such arm and seed" };
  const keys = differingKeys(before, JSON.parse(JSON.stringify(now.experiment)));
  return { folder, why: keys.length === 0 ? "the code of a loss term changed" : `${keys.join(", ")} changed` };
}

/**
 * Every run of an ablation with what is there of it, seed by seed so that a part of them is already a table of few
 * seeds. A run is recognised by its content, so renaming an arm keeps its runs, and changing it leaves them as strays.
 *
 * @param root folder of the runs
 */
export async function planRuns(arms: readonly Arm[], seeds: readonly number[], root: string): Promise<AblationPlan> {
  const folders = existsSync(root)
    ? (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
    : [];
  const runs = new Map<string, PlannedRun>();
  for (const seed of seeds) {
    for (const { spec, experiment } of arms) {
      const own = { ...experiment, seed };
      const key = contentKey(own);
      const shared = runs.get(key);
      if (shared !== undefined) {
        runs.set(key, { ...shared, arms: [...shared.arms, spec.name] });
        continue;
      }
      const found = folders.find((folder) => keyOf(folder) === key);
      const folder = found ?? `${spec.name}-seed-${seed}-${key}`;
      const finished = existsSync(join(root, folder, OUTCOME_FILE));
      // A run that was begun under another name goes on under it: the name is in its experiment.
      const name = found === undefined ? undefined : (await readExperiment(join(root, found)))?.name;
      runs.set(key, {
        ...{ arms: [spec.name], seed, folder: join(root, folder) },
        experiment: typeof name === "string" ? { ...own, name } : own,
        state: finished ? "finished" : found === undefined ? "new" : "begun",
      });
    }
  }
  const planned = [...runs.values()];
  const strays = folders.filter((folder) => !runs.has(keyOf(folder)));
  return { runs: planned, strays: await Promise.all(strays.map((folder) => strayOf(root, folder, planned))) };
}
