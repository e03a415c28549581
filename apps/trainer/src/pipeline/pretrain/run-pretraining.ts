import type { FloatTensor } from "@kdc-mae/core";
import type { Execute } from "@kdc-mae/engine";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import { startProgress } from "../../terminal/progress.js";
import type { Statistics } from "../corpus/batch.js";
import { saveModel } from "../run/model-file.js";
import type { RunFolder } from "../run/run-folder.js";
import type { BatchSource } from "./batch-source.js";
import { pretrain } from "./pretrain.js";

/** The file a finished run leaves its model in. */
const MODEL_FILE = "model.safetensors";

/**
 * Pretrains with a progress bar, and saves the model when it is done.
 *
 * @returns the model, or undefined when it was asked to stop before the end (the state is saved)
 */
export async function runPretraining(options: {
  readonly folder: RunFolder;
  readonly config: ModelConfig;
  readonly source: BatchSource;
  readonly statistics: Statistics;
  readonly execute: Execute;
  readonly start?: ModelParams<FloatTensor>;
  readonly signal?: AbortSignal;
}): Promise<{ readonly params: ModelParams<FloatTensor>; readonly steps: number } | undefined> {
  const { folder, config, source, statistics, execute, start, signal } = options;
  const { experiment } = folder;
  const { epochs, accumulate } = experiment.training;
  const progress = startProgress("pretrain", epochs * Math.floor(source.stepsPerEpoch / accumulate), "steps");
  const { params, finished, steps } = await pretrain({
    experiment,
    config,
    source,
    execute,
    folder,
    start,
    onProgress: ({ step, total, waiting }) =>
      progress.update(step, `loss ${total.toFixed(3)}, waiting for data ${(100 * waiting).toFixed(1)} % of the time`),
    signal,
  }).finally(() => progress.stop());
  if (!finished) return undefined;
  await saveModel(folder.file(MODEL_FILE), { config, params, statistics, experiment });
  return { params, steps };
}
