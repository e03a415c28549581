import type { ClassifierMode, TensorFile } from "@kdc-mae/model";
import { saveCheckpoint } from "@kdc-mae/model/node";
import type { SavedClassifier } from "./classifier-file.js";

/**
 * Saves a classifier under official names (`mlp_head.0`, `mlp_head.1`). Metadata, each as JSON: `config`, `statistics`,
 * `classes`, `experiment`; and as text `mode` and `weights`.
 */
export const saveClassifier = (
  path: string,
  saved: SavedClassifier,
  unused: TensorFile["tensors"] = {},
): Promise<void> => {
  const { config, params, statistics, classes, experiment, weights } = saved;
  return saveCheckpoint(path, config, params, {
    metadata: {
      statistics: JSON.stringify(statistics),
      classes: JSON.stringify(classes),
      experiment: JSON.stringify(experiment),
      mode: experiment.mode satisfies ClassifierMode,
      weights,
    },
    unused,
  });
};
