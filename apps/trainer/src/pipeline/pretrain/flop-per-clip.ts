import { embedFlops, encodeViewFlops, pretrainFlops } from "../experiment/flops.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { configFor } from "../run/model-file.js";
import { objectiveFor, teacherOf } from "./objective.js";

/**
 * Floating-point operations of one clip's share of a training step, estimated from the sizes: every view forward and
 * backward, and the moving-average teacher's forward, of the views or of the whole clip, where something looks at it. Loss
 * terms, the sampling network and the optimizer are not counted, nor a fixed teacher, which embeds each clip once: an
 * experiment does not say its size.
 */
export function flopPerClip(experiment: CheckedExperiment): number {
  const { views, audioRatio, visualRatio, contrast } = experiment.masking;
  const ratio = { audio: audioRatio, visual: visualRatio };
  const config = configFor(experiment);
  const { needs } = objectiveFor(experiment);
  const own = contrast && { audio: contrast.audioRatio, visual: contrast.visualRatio };
  // Whole clips once for the targets, and once more where views are drawn by what is attended to.
  const whole = (needs.whole ? 1 : 0) + (contrast?.by === "teacher" ? 1 : 0);
  const forward = (needs.teacher ? views * encodeViewFlops(config, ratio) : 0) + whole * embedFlops(config);
  const taught = teacherOf(experiment) === undefined ? 0 : forward;
  return pretrainFlops(config, views, ratio, own) + taught;
}
