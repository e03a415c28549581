import { resolveExperiment, titleOf } from "../experiment/load.js";
import { checkFineTuning } from "./check.js";
import type { CheckedFineTuning, FineTuningExperiment, FineTuningFile } from "./schema.js";

/** What the published recipes share (CAV-MAE, Gong et al. 2023, whose fine-tuning KDC-MAE uses). */
const published = {
  data: { kind: "manifest", path: "train.json" },
  model: { preset: "base" },
  audio: {
    statistics: { mean: -5.081, std: 4.4849 },
    noise: true,
    specAugment: { frequency: 48, time: 192 },
  },
  mixup: { probability: 0.5, alpha: 10 },
} satisfies Partial<FineTuningExperiment>;

/** As published: chosen and reported on the test clips, ten pictures each. */
const publishedEvaluation = { split: "test", frames: "all" } as const;

const vggsound: FineTuningExperiment = {
  ...published,
  name: "vggsound",
  evaluation: publishedEvaluation,
  loss: { kind: "cross-entropy", labelSmoothing: 0.1 },
  sampling: "balanced",
  optimizer: { learningRate: 1e-4, headRate: 10 },
  schedule: { kind: "multi-step", from: 2, every: 1, factor: 0.5 },
  training: { batch: 48, epochs: 10 },
  averaging: { from: 3, to: 10 },
};

const audioset20k: FineTuningExperiment = {
  ...published,
  name: "audioset-20k",
  evaluation: publishedEvaluation,
  loss: { kind: "binary-cross-entropy", labelSmoothing: 0.1 },
  optimizer: { learningRate: 5e-5, headRate: 100 },
  schedule: { kind: "multi-step", from: 5, every: 1, factor: 0.5 },
  training: { batch: 36, epochs: 15 },
  averaging: { from: 3, to: 15 },
};

const audioset2m: FineTuningExperiment = {
  ...published,
  name: "audioset-2m",
  evaluation: publishedEvaluation,
  loss: { kind: "binary-cross-entropy", labelSmoothing: 0.1 },
  sampling: "balanced",
  optimizer: { learningRate: 1e-5, headRate: 50 },
  schedule: { kind: "multi-step", from: 2, every: 1, factor: 0.5 },
  training: { batch: 48, epochs: 10 },
  averaging: { from: 1, to: 10 },
};

/** Small enough for two cores and a few minutes, on the demo's made clips from the demo's model. */
const demo: FineTuningExperiment = {
  name: "demo-finetune",
  data: { kind: "synthetic", train: 1280, validation: 96, test: 192 },
  loss: { kind: "cross-entropy", labelSmoothing: 0.1 },
  audio: { specAugment: { frequency: 12, time: 36 } },
  mixup: { probability: 0.5, alpha: 10 },
  sampling: "balanced",
  optimizer: { learningRate: 3e-4, headRate: 10 },
  schedule: { kind: "multi-step", from: 5, every: 1, factor: 0.5 },
  training: { batch: 32, epochs: 10 },
  averaging: { from: 3, to: 10 },
};

/** Fine-tunings that ship with the trainer, by name. */
export const namedFineTunings: Readonly<Record<string, FineTuningExperiment>> = Object.fromEntries(
  [demo, vggsound, audioset20k, audioset2m].map((one) => [one.name, one]),
);

/**
 * A fine-tuning by name (see {@link namedFineTunings}), from a file, or as a file would hold it (see {@link FineTuningFile}),
 * with further changes laid over it.
 *
 * @throws KdcError for an unknown name, a missing or broken file, or a wrong key
 */
export const loadFineTuning = async (
  asked: string | FineTuningFile,
  changes: readonly unknown[] = [],
): Promise<CheckedFineTuning> =>
  checkFineTuning(await resolveExperiment(asked, namedFineTunings, changes), titleOf(asked));
