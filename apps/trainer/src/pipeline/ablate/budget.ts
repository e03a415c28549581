import type { CheckedExperiment } from "../experiment/schema.js";
import { flopPerClip } from "../pretrain/flop-per-clip.js";

/** FLOP of a whole run for each training clip; every epoch shows each clip once. */
export const flopOfRun = (experiment: CheckedExperiment): number =>
  experiment.training.epochs * flopPerClip(experiment);

/** An experiment with as many whole epochs as cost `flop` per clip. Milestones of a multi-step schedule move along. */
export function withBudget(experiment: CheckedExperiment, flop: number): CheckedExperiment {
  const { training, schedule } = experiment;
  const epochs = Math.max(1, Math.round(flop / flopPerClip(experiment)));
  const scaled = (count: number) => Math.max(1, Math.round((count * epochs) / training.epochs));
  return {
    ...experiment,
    training: { ...training, epochs },
    schedule:
      schedule.kind === "multi-step"
        ? { ...schedule, from: scaled(schedule.from), every: scaled(schedule.every) }
        : schedule,
  };
}
