import { constantRate, stepDecay, warmupCosine } from "@kdc-mae/engine";
import type { CheckedExperiment } from "../experiment/schema.js";

/** Learning rate at a step, counted from 0. Multi-step schedules count whole epochs. */
export function learningRateAt(
  { optimizer, schedule, training }: Pick<CheckedExperiment, "optimizer" | "schedule" | "training">,
  stepsPerEpoch: number,
): (step: number) => number {
  const rate = optimizer.learningRate;
  switch (schedule.kind) {
    case "constant":
      return constantRate(rate);
    case "multi-step": {
      const decay = stepDecay({ rate, factor: schedule.factor, start: schedule.from, every: schedule.every });
      return (step) => decay(Math.floor(step / stepsPerEpoch));
    }
    case "cosine":
      return warmupCosine({
        rate,
        warmup: Math.round(schedule.warmup * stepsPerEpoch),
        total: training.epochs * stepsPerEpoch,
      });
  }
}
