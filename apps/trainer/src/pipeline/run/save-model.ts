import type { TensorFile } from "@kdc-mae/model";
import { saveCheckpoint } from "@kdc-mae/model/node";
import { modelNotes, type SavedModel } from "./model-file.js";

/** Saves a model under official names, with everything in its metadata that using it takes. */
export const saveModel = (path: string, model: SavedModel, unused: TensorFile["tensors"] = {}): Promise<void> => {
  const { config, params } = model;
  return saveCheckpoint(path, config, params, {
    metadata: modelNotes(model),
    unused,
  });
};
