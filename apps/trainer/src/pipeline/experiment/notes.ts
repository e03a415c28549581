import { z } from "zod";
import { isRecord } from "./change.js";

/** What an experiment file may say about itself beside its configuration; it changes no run. */
export const runNotes = z.strictObject({
  /** The command that ran it, as it was typed. */
  command: z.string().min(1),
  /** How long it takes and on what, in words. */
  expectedTime: z.string().optional(),
  /** What came out, by figure, in words or numbers; null: not measured yet. */
  measured: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .nullable()
    .optional(),
  /** The page with the whole story, beside the file. */
  page: z.string().optional(),
});

export type RunNotes = z.output<typeof runNotes>;

/** A file's content without `$schema` and `run`, which are for people and editors. */
export function withoutNotes(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const { $schema, run, ...configuration } = value;
  return configuration;
}
