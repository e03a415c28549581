import { constantRate, stepDecay, warmupCosine } from "@kdc-mae/engine";
import type { CheckedExperiment } from "../experiment/schema.js";

type Settings = Pick<CheckedExperiment, "optimizer" | "schedule" | "training">;

/** Learning rate at a step, counted from 0. Multi-step schedules count whole epochs; every schedule may be warmed up. */
export function learningRateAt(
  { optimizer, schedule, training }: Settings,
  stepsPerEpoch: number,
): (step: number) => number {
  const rate = optimizer.learningRate;
  const warmup = Math.round((schedule.warmup ?? 0) * stepsPerEpoch);
  /** Up in a straight line, whatever comes after it. */
  const warmed = (after: (step: number) => number) => (step: number) =>
    step < warmup ? (after(step) * (step + 1)) / warmup : after(step);
  switch (schedule.kind) {
    case "constant":
      return warmed(constantRate(rate));
    case "multi-step": {
      const decay = stepDecay({ rate, factor: schedule.factor, start: schedule.from, every: schedule.every });
      return warmed((step) => decay(Math.floor(step / stepsPerEpoch)));
    }
    case "cosine":
      return warmupCosine({ rate, warmup, total: training.epochs * stepsPerEpoch });
  }
}

/** Below this share of its start a rate teaches next to nothing. */
const NEXT_TO_NOTHING = 1e-3;

/**
 * Says that a schedule made for fewer epochs trains its last ones at next to nothing; undefined where it does not. A
 * cosine is asked to end there.
 */
export function fadingNote({ optimizer, schedule, training }: Settings): string | undefined {
  if (schedule.kind === "cosine") return undefined;
  const rateAt = learningRateAt({ optimizer, schedule, training }, 1);
  const rate = optimizer.learningRate;
  const epochs = Array.from({ length: training.epochs }, (_, epoch) => rateAt(epoch));
  const last = epochs[epochs.length - 1];
  if (last >= NEXT_TO_NOTHING * rate) return undefined;
  const from = epochs.findLastIndex((now) => now >= NEXT_TO_NOTHING * rate) + 1;
  return (
    `the learning rate ends at ${last.toPrecision(2)}, from ${rate} at the start: epochs ${from + 1} to ${training.epochs} ` +
    "train at less than a thousandth of it; set schedule.from, schedule.every or schedule.kind=cosine for so many epochs"
  );
}
