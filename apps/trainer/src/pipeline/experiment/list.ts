import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { z } from "zod";
import { namedAblations } from "../ablate/named.js";
import { ablationSchema } from "../ablate/schema.js";
import { namedFineTunings } from "../finetune/named.js";
import { fineTuningSchema } from "../finetune/schema.js";
import { isRecord } from "./change.js";
import { named } from "./named.js";
import { type RunNotes, runNotes } from "./notes.js";
import { readDefault } from "./read-default.js";
import { describedExperiment } from "./schema.js";

/** What runs an experiment. */
export type ExperimentKind = "pretrain" | "finetune" | "ablate";

/** One experiment to choose from: by a name that ships, or a file. */
export type ListedExperiment = {
  readonly name: string;
  readonly kind: ExperimentKind;
  readonly from: string;
  readonly notes?: RunNotes;
  /** Why a file cannot be used. */
  readonly problem?: string;
};

const kindOf = (value: unknown): ExperimentKind => {
  if (isRecord(value) && "arms" in value) return "ablate";
  const finetunes = isRecord(value) && ("loss" in value || Object.hasOwn(namedFineTunings, String(value.base)));
  return finetunes ? "finetune" : "pretrain";
};

async function readListed(folder: string, file: string): Promise<ListedExperiment> {
  const from = join(folder, file);
  const name = file.slice(0, -extname(file).length);
  try {
    const value = await readDefault(from, `experiment ${file}`);
    const kind = kindOf(value);
    if (!isRecord(value) || value.run === undefined) return { name, kind, from };
    const notes = runNotes.safeParse(value.run);
    return notes.success
      ? { name, kind, from, notes: notes.data }
      : { name, kind, from, problem: `run: ${notes.error.issues[0].path.join(".")} ${notes.error.issues[0].message}` };
  } catch (error) {
    return { name, kind: "pretrain", from, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The experiments that ship, unless a file has the name, and those in files of a folder (`.json`, `.ts`, `.mjs`) with what they say of themselves. */
export async function listExperiments(folder: string): Promise<readonly ListedExperiment[]> {
  const shipped = (names: object, kind: ExperimentKind): ListedExperiment[] =>
    Object.keys(names).map((name) => ({ name, kind, from: "shipped" }));
  const files = (await readdir(folder).catch(() => [])).filter((name) => /\.(json|ts|mjs)$/.test(name)).sort();
  const listed: ListedExperiment[] = [];
  for (const file of files) listed.push(await readListed(folder, file));
  const all = [
    ...shipped(named, "pretrain"),
    ...shipped(namedFineTunings, "finetune"),
    ...shipped(namedAblations, "ablate"),
  ];
  return [...all.filter(({ name }) => !listed.some((file) => file.name === name)), ...listed];
}

/** The JSON schema of experiment files, for editors: pretrainings, fine-tunings, ablations, whole or from a base. */
export function experimentJsonSchema(): object {
  const notes = { $schema: z.string().optional(), run: runNotes.optional() };
  const based = z.looseObject({ base: z.string(), change: z.record(z.string(), z.unknown()).optional(), ...notes });
  const files = z.union([
    describedExperiment.extend(notes),
    z.strictObject({ ...fineTuningSchema.shape, ...notes }),
    z.strictObject({ ...ablationSchema.shape, ...notes }),
    based,
  ]);
  return z.toJSONSchema(files, { io: "input", unrepresentable: "any" });
}
