import type { ModelConfig } from "@kdc-mae/model";
import type { Statistics } from "../corpus/batch.js";
import type { DataDigest } from "../corpus/data-digest.js";
import type { StoredClip } from "../corpus/stored-clip.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { type BatchSource, memorySource } from "./batch-source.js";
import { maskerFor } from "./masker.js";

/** The batches an experiment trains on, from clips in memory. */
export const memorySourceFor = (
  experiment: CheckedExperiment,
  config: ModelConfig,
  clips: readonly StoredClip[],
  statistics: Statistics,
  named?: DataDigest,
): BatchSource =>
  memorySource({
    clips,
    grids: { audio: config.audio, visual: config.visual },
    ...{ statistics, named },
    masker: maskerFor(experiment),
    batch: experiment.training.batch,
    seed: experiment.seed,
    noise: experiment.audio.noise,
  });
