import { isKdcError } from "@kdc-mae/core";
import type { CheckedExperiment } from "../experiment/schema.js";

/** How many losses the usual one is a mean over, about. */
const MEMORY = 50;
/** Before so many losses nothing is usual. */
const ENOUGH = 20;

/** What the loss usually is, and how often a run went back. Part of a checkpoint. */
export type LossHistory = { mean: number; seen: number; rollbacks: number; skipped: number[] };

export const freshHistory = (): LossHistory => ({ mean: 0, seen: 0, rollbacks: 0, skipped: [] });

/** Unless an experiment says otherwise: three times, for losses that are not finite. */
const DEFAULTS = { times: 3 } as const;

type Rule = Pick<CheckedExperiment["training"], "rollback">;

/** How often a run may go back. */
export const timesAllowed = ({ rollback = DEFAULTS }: Rule): number => rollback.times;

/** In words, how a loss is out of the usual; undefined where it is not. */
export function jumped({ mean, seen }: LossHistory, loss: number, { rollback }: Rule): string | undefined {
  const factor = rollback?.jump;
  // A weighted sum may be negative; it jumps by as much of its size.
  if (factor === undefined || seen < ENOUGH || loss <= mean + (factor - 1) * Math.abs(mean)) return undefined;
  return `the loss jumped from ${mean.toPrecision(3)}, its mean, to ${loss.toPrecision(3)}`;
}

/** Makes a loss part of what is usual. */
export function remember(history: LossHistory, loss: number): void {
  history.seen += 1;
  history.mean += (loss - history.mean) / Math.min(history.seen, MEMORY);
}

/** What a step said that ended because its loss or gradient was not finite; undefined for any other error. */
export const notFinite = (error: unknown): string | undefined =>
  isKdcError(error) && error.reason === "loss-not-finite" ? error.what : undefined;

/**
 * The history of a run that goes back from a step, counted from 0: that step's batches and those of the step before it,
 * whose update led there, are skipped.
 */
export const wentBack = (
  before: LossHistory,
  { rollbacks, skipped }: LossHistory,
  step: number,
  from: number,
): LossHistory => ({
  ...before,
  rollbacks: rollbacks + 1,
  skipped: [...new Set([...skipped, ...(step - 1 >= from ? [step - 1] : []), step])],
});
