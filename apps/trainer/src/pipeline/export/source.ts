import type { FloatTensor } from "@kdc-mae/core";
import {
  type ClassifierMode,
  type ClassifierParams,
  loadClassifier,
  loadModel,
  type ModelConfig,
  type ModelParams,
} from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import { expectOwnGrids } from "../run/expect-own-grids.js";
import { inCheckpoint } from "../run/in-checkpoint.js";
import { notesIn } from "../run/metadata.js";
import { expectNothingAssumed, type ReadOptions, savedIn } from "../run/read-saved.js";
import { tensorsOfModel } from "../run/tensors-of-model.js";

/** What a trained file holds that graphs are made of. */
export type ExportSource = {
  readonly config: ModelConfig;
  readonly statistics: Statistics;
  readonly params: ModelParams<FloatTensor> | ClassifierParams<FloatTensor>;
  /** Names of the classes in the order of the logits, and what it was tuned to look at, where the file says them. */
  readonly classes?: readonly string[];
  readonly mode?: ClassifierMode;
  /** The experiment that made it, as JSON, where the file has it. */
  readonly experiment?: { readonly [key: string]: unknown };
};

/**
 * Reads a pretrained model or a fine-tuned classifier: one that says its sizes and its normalisation, as those do that
 * `kdc-mae` wrote, or an official checkpoint.
 *
 * @throws KdcError for a file that is neither
 */
export async function readExportSource(path: string, options: ReadOptions = {}): Promise<ExportSource> {
  const { tensors, metadata } = await tensorsOfModel(path, options);
  const { config, statistics, classes, experiment } = notesIn(path, metadata).all();
  if (config === undefined || statistics === undefined) {
    const saved = savedIn(path, { tensors, metadata }, options);
    return "model" in saved ? saved.model : { ...saved.classifier, mode: saved.classifier.experiment.mode };
  }
  expectNothingAssumed(path, options);
  expectOwnGrids(path, config, tensors);
  const isClassifier = Object.keys(tensors).some((name) => name.endsWith("mlp_head.1.weight"));
  return {
    config,
    statistics,
    params: inCheckpoint<{ readonly params: ExportSource["params"] }>(path, () =>
      (isClassifier ? loadClassifier : loadModel)(config, tensors),
    ).params,
    ...(classes === undefined ? {} : { classes }),
    ...(metadata.mode === undefined ? {} : { mode: metadata.mode as ClassifierMode }),
    ...(experiment === undefined ? {} : { experiment: experiment as ExportSource["experiment"] }),
  };
}
