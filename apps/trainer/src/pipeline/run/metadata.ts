import { KdcError, parseJson } from "@kdc-mae/core";
import { checkConfig, type ModelConfig } from "@kdc-mae/model";
import { z } from "zod";
import type { Statistics } from "../corpus/statistics.js";

const statistics = z.strictObject({
  mean: z.number(),
  std: z.number().positive(),
  sampleRate: z.number().int().positive().optional(),
});
const classes = z.array(z.string());

/** What a checkpoint's metadata say, each part checked when it is asked for; undefined where it is not there. */
export type CheckpointNotes = {
  config(): ModelConfig | undefined;
  statistics(): Statistics | undefined;
  /** Class names in the order of the logits. */
  classes(): readonly string[] | undefined;
  /** As it was written, not yet checked. */
  experiment(): unknown;
  /** All of them. */
  all(): {
    readonly config?: ModelConfig;
    readonly statistics?: Statistics;
    readonly classes?: readonly string[];
    readonly experiment?: unknown;
  };
};

/**
 * Reads what a checkpoint's metadata say beside its tensors.
 *
 * @throws KdcError (`bad-checkpoint`) from its parts, naming the file and the part that is broken
 */
export function notesIn(path: string, metadata: Readonly<Record<string, string>>): CheckpointNotes {
  const remedy = "Fetch or write the checkpoint again; this one was made by another program, or damaged";
  const part = (name: string): unknown => {
    const text = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
    return text === undefined ? undefined : parseJson(text, { where: `checkpoint ${path}, metadata ${name}`, remedy });
  };
  const checked = <T>(name: string, schema: z.ZodType<T>, what: string): T | undefined => {
    const value = part(name);
    if (value === undefined) return undefined;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    throw new KdcError({ where: `checkpoint ${path}, metadata ${name}`, what, remedy, reason: "bad-checkpoint" });
  };
  const notes: Omit<CheckpointNotes, "all"> = {
    config() {
      const value = part("config");
      if (value === undefined) return undefined;
      const whole = typeof value === "object" && value !== null && !Array.isArray(value);
      const grids = whole && ["audio", "visual"].every((name) => isGrid((value as Record<string, unknown>)[name]));
      if (grids) return checkConfig(value as ModelConfig);
      const what = "it does not give the sizes of a model";
      throw new KdcError({ where: `checkpoint ${path}, metadata config`, what, remedy, reason: "bad-checkpoint" });
    },
    statistics: () => checked("statistics", statistics, "it does not give a mean and a standard deviation above 0"),
    classes: () => checked("classes", classes, "it is not a list of class names"),
    experiment: () => part("experiment"),
  };
  const { config, statistics: measured, classes: named, experiment } = notes;
  const all = () => ({ config: config(), statistics: measured(), classes: named(), experiment: experiment() });
  return { ...notes, all };
}

const isGrid = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
