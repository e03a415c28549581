import { encodeViewFlops, pretrainFlops } from "../experiment/flops.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { objectiveFor } from "../pretrain/objective.js";
import { configFor } from "../run/model-file.js";

/**
 * Floating-point operations of one clip's share of a training step, estimated from the sizes: every view forward and
 * backward, and the teacher's forward where there is one. Loss terms and the optimizer are not counted.
 */
export function flopPerClip(experiment: CheckedExperiment): number {
  const { views, audioRatio, visualRatio } = experiment.masking;
  const ratio = { audio: audioRatio, visual: visualRatio };
  const config = configFor(experiment);
  const taught = experiment.teacher !== undefined || objectiveFor(experiment).needs.teacher;
  return pretrainFlops(config, views, ratio) + (taught ? views * encodeViewFlops(config, ratio) : 0);
}

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
