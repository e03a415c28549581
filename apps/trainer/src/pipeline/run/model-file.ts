import { type FloatTensor, KdcError } from "@kdc-mae/core";
import { checkConfig, loadModel, type ModelConfig, type ModelParams, type TensorFile } from "@kdc-mae/model";
import type { Statistics } from "../corpus/statistics.js";
import { madeBy } from "../experiment/check.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { Assumption } from "./assume.js";
import { expectOwnGrids } from "./expect-own-grids.js";
import { inCheckpoint } from "./in-checkpoint.js";
import { notesIn } from "./metadata.js";
import { pairingOf, sizesOf, withWindow } from "./pairing.js";

/** A trained model with what is needed to use it: its sizes, its normalisation, and the experiment that made it. */
export type SavedModel = {
  readonly config: ModelConfig;
  readonly params: ModelParams<FloatTensor>;
  readonly statistics: Statistics;
  readonly experiment: CheckedExperiment;
  /** What was assumed of a checkpoint that does not say it; nothing of those that kdc-mae wrote. */
  readonly assumed?: readonly Assumption[];
};

/** Of the sampling network in the KDC-MAE code, where they divide the model's width. */
const SAMPLER_HEADS = 8;

/**
 * The model config of an experiment: its preset with its own changes, the window that it hears, and a sampling network
 * where it masks by one.
 */
export function configFor({
  model,
  masking,
  visual,
}: Pick<CheckedExperiment, "model"> & Partial<Pick<CheckedExperiment, "masking" | "visual">>): ModelConfig {
  const whole = sizesOf(model);
  const config = visual === undefined ? whole : withWindow(whole, pairingOf({ model, visual }));
  if (masking?.kind !== "adaptive") return checkConfig(config);
  const heads = config.embedDim % SAMPLER_HEADS === 0 ? SAMPLER_HEADS : config.heads;
  return checkConfig({ ...config, sampler: { heads, temperature: masking.temperature ?? 1 } });
}

/** What a model's file says beside its tensors and its sizes. */
export const modelNotes = ({ statistics, experiment }: Pick<SavedModel, "statistics" | "experiment">) => ({
  statistics: JSON.stringify(statistics),
  experiment: JSON.stringify(experiment),
});

/**
 * The model in a file that `saveModel` wrote and somebody read.
 *
 * @throws KdcError for a checkpoint without its experiment, or of other sizes than it says
 */
export function modelIn(path: string, { tensors, metadata }: TensorFile): SavedModel {
  const written = notesIn(path, metadata);
  const [config, statistics, experiment] = [written.config(), written.statistics(), written.experiment()];
  if (config === undefined || experiment === undefined || statistics === undefined) {
    const missing = ["config", "statistics", "experiment"].filter((key) => metadata[key] === undefined);
    throw new KdcError({
      where: `checkpoint ${path}`,
      what: `it does not say how the model was made (no ${missing.join(", no ")} in its metadata)`,
      remedy: "Give a model.safetensors that kdc-mae wrote, or an official checkpoint as it was published",
      reason: "foreign-checkpoint",
    });
  }
  if (metadata.classes !== undefined) {
    throw new KdcError({
      where: `checkpoint ${path}`,
      what: "it is a fine-tuned classifier, which has no decoder any more",
      remedy: "Give the pretrained model.safetensors, or evaluate the classifier under a protocol: --protocol NAME",
      reason: "classifier",
    });
  }
  expectOwnGrids(path, config, tensors);
  return {
    config,
    params: inCheckpoint(path, () => loadModel(config, tensors)).params,
    statistics,
    experiment: madeBy(experiment, path),
  };
}
