import type { FloatTensor } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import type { Statistics } from "../corpus/batch.js";
import type { StoredClip } from "../corpus/stored-clip.js";
import { saveModel } from "../run/model-file.js";
import type { RunFolder } from "../run/run-folder.js";
import { startProgress } from "../terminal/progress.js";
import { noiseAndTimeShift } from "./augment.js";
import { memorySource } from "./batch-source.js";
import { maskerFor } from "./masker.js";
import { pretrain } from "./pretrain.js";

/** The file a finished run leaves its model in. */
const MODEL_FILE = "model.safetensors";

/**
 * Pretrains on clips in memory with a progress bar, and saves the model when it is done.
 *
 * @returns the model, or undefined when it was asked to stop before the end (the state is saved)
 */
export async function runPretraining(options: {
  readonly folder: RunFolder;
  readonly config: ModelConfig;
  readonly clips: readonly StoredClip[];
  readonly statistics: Statistics;
  readonly execute: Execute;
  readonly start?: ModelParams<FloatTensor>;
  readonly signal?: AbortSignal;
}): Promise<{ readonly params: ModelParams<FloatTensor>; readonly steps: number } | undefined> {
  const { folder, config, clips, statistics, execute, start, signal } = options;
  const { experiment } = folder;
  const source = memorySource({
    clips,
    grids: { audio: config.audio, visual: config.visual },
    statistics,
    masker: maskerFor(experiment),
    batch: experiment.training.batch,
    seed: experiment.seed,
    change: experiment.audio.noise ? noiseAndTimeShift : undefined,
  });
  const { epochs, accumulate } = experiment.training;
  const progress = startProgress("pretrain", epochs * Math.floor(source.stepsPerEpoch / accumulate), "steps");
  const { params, finished, steps } = await pretrain({
    experiment,
    config,
    source,
    execute,
    folder,
    start,
    onProgress: ({ step, total }) => progress.update(step, `loss ${total.toFixed(3)}`),
    signal,
  }).finally(() => progress.stop());
  if (!finished) return undefined;
  await saveModel(folder.file(MODEL_FILE), { config, params, statistics, experiment });
  return { params, steps };
}
