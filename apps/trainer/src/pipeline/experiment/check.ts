import { KdcError } from "@kdc-mae/core";
import type { z } from "zod";
import { isRecord } from "./change.js";
import { IDLE_TEACHER } from "./loss-term.js";
import { type CheckedExperiment, describedExperiment, experimentSchema } from "./schema.js";

/** One zod issue as a line a person can act on: the key, what is wrong, the allowed values. */
export function describeIssue(issue: z.core.$ZodIssue, whole = "the experiment"): string {
  const key = issue.path.length === 0 ? whole : issue.path.map(String).join(".");
  switch (issue.code) {
    case "unrecognized_keys":
      return `${key} has no ${issue.keys.map((name) => `"${name}"`).join(", ")}`;
    case "invalid_value":
      return `${key} must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "invalid_union":
      return `${key}: ${issue.message}${"discriminator" in issue ? ` (look at its "${String(issue.discriminator)}")` : ""}`;
    default:
      return `${key}: ${issue.message}`;
  }
}

/**
 * Checks anything against a schema and fills in its defaults.
 *
 * @param source where it came from, for the message
 * @throws KdcError naming every wrong key and the values it may have
 */
export function checkWith<Schema extends z.ZodType>(schema: Schema, value: unknown, source: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new KdcError({
    where: `experiment ${source}`,
    what: result.error.issues.map((issue) => describeIssue(issue)).join("; "),
    remedy: `Correct ${result.error.issues.length === 1 ? "this key" : "these keys"} in the experiment file or in --set`,
    reason: "experiment",
  });
}

/**
 * A whole pretraining experiment, checked, defaults filled in. One with a base is for {@link loadExperiment}.
 *
 * @param source where it came from, for messages
 * @throws KdcError (`experiment`) naming every wrong key and the values it may have
 */
export const checkExperiment = (value: unknown, source: string): CheckedExperiment =>
  checkWith(experimentSchema, value, source);

/**
 * An experiment, or a fine-tuning, as it was written beside what it trained, without what nothing looked at: a moving-average
 * teacher, what accumulated batches see where none are, rates of the layers of a frozen encoder. Those were kept once, changed no
 * figure, and are refused in new experiments. Anything else as it is.
 */
export function asWritten(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const { teacher, ...untaught } = value;
  const isIdle =
    teacher !== undefined &&
    experimentSchema.safeParse(value).error?.issues.some(({ message }) => message === IDLE_TEACHER);
  const { training, optimizer, ...others } = isIdle ? untaught : value;
  const accumulates = isRecord(training) && training.accumulate !== 1;
  const tunes = isRecord(optimizer) && value.tune !== "linear-probe";
  return {
    ...others,
    ...(training === undefined ? {} : { training: accumulates ? training : without(training, "accumulateContrast") }),
    ...(optimizer === undefined ? {} : { optimizer: tunes ? optimizer : without(optimizer, "layerDecay") }),
  };
}

const without = (value: unknown, key: string): unknown =>
  isRecord(value) ? Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) : value;

/**
 * The experiment that a model says it was made by, checked. What its terms looked at is not asked again: it is trained.
 *
 * @throws KdcError as `checkWith`
 */
export const madeBy = (value: unknown, source: string): CheckedExperiment =>
  checkWith(describedExperiment, asWritten(value), source);
