import { z } from "zod";
import { type ExperimentFile, termEntry } from "../experiment/schema.js";

const name = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/i, "letters, digits, dots and dashes only");
const record = z.record(z.string(), z.unknown());

/** A partial experiment to lay over the base, or a list of assignments such as `"masking.views=1"`. */
const changes = z.union([
  record,
  z.array(z.string().regex(/^[^=]+=/, 'must be an assignment, such as "masking.views=1"')),
]);

const arm = z.strictObject({
  name,
  /** One line for the table: what this arm stands for. What it changes is said by itself. */
  about: z.string().optional(),
  change: changes.optional(),
  /** Only these terms of the objective, by name; a `*` at the end takes all that begin so. */
  keepTerms: z.array(z.string().min(1)).min(1).optional(),
  /** Terms to put beside them: built-in ones by name, or, in a module, a `LossTerm` of anybody's. */
  addTerms: z.array(termEntry).optional(),
  /** As many epochs as cost what the base costs (true), the dearest arm ("largest"), or the arm of that name. */
  equalCompute: z.union([z.literal(true), z.string().min(1)]).optional(),
});

/** Arms side by side; all are compared with the first. */
const comparison = z.strictObject({ title: z.string().min(1), arms: z.array(name).min(2) });

/** Named variations of one base experiment, each trained and evaluated with the same seeds. */
export const ablationSchema = z.strictObject({
  name,
  /** What it is to find out, for the head of the table. */
  summary: z.string().optional(),
  /** A named experiment, a file (looked for beside this one), `{ base, change }`, or the experiment itself. */
  base: z.union([z.string().min(1), record], "must be the name of an experiment, a file, or an experiment"),
  /** Laid over the base before any arm. */
  change: changes.optional(),
  arms: z.array(arm).min(2),
  /** One table of all arms unless given. */
  comparisons: z.array(comparison).min(1).optional(),
  /** How many seeds unless --seeds says so: the base's own and those after it. */
  seeds: z.number().int().positive().default(3),
});

type Written = z.input<typeof ablationSchema>;

/** What an ablation file holds: `export default { … } satisfies Ablation`. */
export type Ablation = Omit<Written, "base"> & {
  readonly base: string | ExperimentFile;
};

/** An ablation after checking, defaults filled in. */
export type CheckedAblation = z.output<typeof ablationSchema>;

/** One variation. */
export type ArmSpec = CheckedAblation["arms"][number];
