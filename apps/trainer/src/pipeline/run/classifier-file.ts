import { type FloatTensor, KdcError } from "@kdc-mae/core";
import { type ClassifierParams, loadClassifier, type ModelConfig, type TensorFile } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import { checkFineTuning } from "../finetune/check.js";
import type { CheckedFineTuning } from "../finetune/schema.js";
import type { Assumption } from "./assume.js";
import { expectOwnGrids } from "./expect-own-grids.js";
import { inCheckpoint } from "./in-checkpoint.js";
import { notesIn } from "./metadata.js";

/** A fine-tuned classifier with what is needed to use it. */
export type SavedClassifier = {
  readonly config: ModelConfig;
  readonly params: ClassifierParams<FloatTensor>;
  readonly statistics: Statistics;
  /** Class names in the order of the logits. */
  readonly classes: readonly string[];
  readonly experiment: CheckedFineTuning;
  /** Which epochs' weights these are, in words. */
  readonly weights: string;
  /** What was assumed of a checkpoint that does not say it; nothing of those that kdc-mae wrote. */
  readonly assumed?: readonly Assumption[];
};

/**
 * The classifier in a file that `saveClassifier` wrote and somebody read.
 *
 * @throws KdcError for a checkpoint without its classes
 */
export function classifierIn(path: string, { tensors, metadata }: TensorFile): SavedClassifier {
  const { config, statistics, classes, experiment } = notesIn(path, metadata).all();
  const { weights = "unknown" } = metadata;
  if (config === undefined || statistics === undefined || classes === undefined || experiment === undefined) {
    throw new KdcError({
      where: `checkpoint ${path}`,
      what: "it is not a classifier that kdc-mae fine-tuned (no config, statistics, classes or experiment in its metadata)",
      remedy: "Give a best.safetensors, averaged.safetensors or model.safetensors that kdc-mae finetune wrote",
      reason: "not-a-classifier",
    });
  }
  expectOwnGrids(path, config, tensors);
  return {
    config,
    params: inCheckpoint(path, () => loadClassifier(config, tensors)).params,
    statistics,
    classes,
    experiment: checkFineTuning(experiment, path),
    weights,
  };
}
