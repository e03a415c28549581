import { KdcError } from "@kdc-mae/core";
import type { TensorFile } from "@kdc-mae/model";
import type { Surroundings } from "../surroundings.js";
import { type Assume, assumptionLine } from "./assume.js";
import { classifierIn, type SavedClassifier } from "./classifier-file.js";
import { modelIn, type SavedModel } from "./model-file.js";
import { officialIn } from "./official-file.js";
import { tensorsOfModel } from "./tensors-of-model.js";

/** A model, pretrained or fine-tuned. */
export type Saved = { readonly model: SavedModel } | { readonly classifier: SavedClassifier };

/** How a model's file is read. */
export type ReadOptions = {
  /** What an official checkpoint does not say, where the method's constants are not meant. */
  readonly assume?: Assume;
  /** Told every assumption. */
  readonly onNote?: (note: string) => void;
  /** Where a hub's address, token and cache are looked up. */
  readonly env?: Surroundings["env"];
};

/**
 * A pretrained model or a classifier, whichever the file holds: one that kdc-mae wrote, or a checkpoint of the official
 * CAV-MAE or KDC-MAE code (`.pth` or `.safetensors`).
 *
 * @param path a file, or `hf://user/name[@revision][/file]`, which is fetched once
 *
 * @throws KdcError for a file that is none, saying why; and for assumptions about a file that says everything itself
 */
export const readSaved = async (path: string, options: ReadOptions = {}): Promise<Saved> =>
  savedIn(path, await tensorsOfModel(path, options), options);

/** A model in a file that was read. See {@link readSaved}. */
export function savedIn(path: string, file: TensorFile, options: ReadOptions): Saved {
  if (["config", "statistics", "experiment"].some((key) => file.metadata[key] !== undefined)) {
    expectNothingAssumed(path, options);
    return file.metadata.classes === undefined
      ? { model: modelIn(path, file) }
      : { classifier: classifierIn(path, file) };
  }
  const saved = officialIn(path, file.tensors, options.assume);
  const { assumed = [] } = "model" in saved ? saved.model : saved.classifier;
  for (const assumption of assumed) options.onNote?.(`${path}: ${assumptionLine(assumption)}`);
  return saved;
}

/** @throws KdcError (`usage`) where somebody assumes what a file says itself */
export function expectNothingAssumed(path: string, { assume = {} }: ReadOptions): void {
  if (Object.keys(assume).length === 0) return;
  throw new KdcError({
    where: "--assume",
    what: `${path} says itself how it was made`,
    remedy: "Leave --assume out; it is for checkpoints of the official code",
    reason: "usage",
  });
}

/**
 * Whatever has an encoder to embed with: a pretrained model or a classifier. See {@link readSaved}.
 */
export async function readEncoder(path: string, options: ReadOptions = {}): Promise<SavedModel | SavedClassifier> {
  const saved = await readSaved(path, options);
  return "model" in saved ? saved.model : saved.classifier;
}

/**
 * A pretrained model. See {@link readSaved}.
 *
 * @throws KdcError for a classifier, too
 */
export async function readModel(path: string, options: ReadOptions = {}): Promise<SavedModel> {
  const saved = await readSaved(path, options);
  if ("model" in saved) return saved.model;
  throw new KdcError({
    where: `checkpoint ${path}`,
    what: "it is a fine-tuned classifier, which has no decoder any more",
    remedy: "Give the pretrained model.safetensors, or evaluate the classifier under a protocol: --protocol NAME",
    reason: "classifier",
  });
}

/**
 * A fine-tuned classifier. See {@link readSaved}.
 *
 * @throws KdcError for a pretrained model, too
 */
export async function readClassifier(path: string, options: ReadOptions = {}): Promise<SavedClassifier> {
  const saved = await readSaved(path, options);
  if ("classifier" in saved) return saved.classifier;
  throw new KdcError({
    where: `checkpoint ${path}`,
    what: "it is not a classifier: it has no head and no classes",
    remedy: "Give a best.safetensors, averaged.safetensors or model.safetensors that kdc-mae finetune wrote",
    reason: "not-a-classifier",
  });
}
