import { createRng } from "@kdc-mae/core";
import { compiled } from "@kdc-mae/engine/node";
import { initModel } from "@kdc-mae/model";
import { saveCheckpoint } from "@kdc-mae/model/node";
import { checkExperiment, configFor, modelNotes, named, type SavedModel } from "@kdc-mae/trainer/recipe";

/** Small enough for WebGPU in software: two blocks, 8 patches a side of a picture of 32 pixels. */
export const smallSizes = {
  ...{ preset: "tiny", embedDim: 16, heads: 2, modalityDepth: 1, decoderDim: 16, decoderHeads: 2 },
  audio: { rows: 2, columns: 6, patch: 16, channels: 1 },
  visual: { rows: 4, columns: 4, patch: 8, channels: 3 },
} as const;

/** The demo's recipe at this size, changed as told. */
export const smallExperiment = (changes: object = {}) =>
  checkExperiment({ ...named.demo, name: "small", model: smallSizes, ...changes }, "the test");

/** An untrained model of the demo's recipe, or at another size, saved as the command line saves it. */
export async function saveSmallModel(path: string, changes: object = {}): Promise<SavedModel> {
  const experiment = smallExperiment(changes);
  const config = configFor(experiment);
  const saved = {
    ...{ config, experiment, statistics: { mean: -6, std: 4 } },
    params: initModel(config, createRng("small").fork("init")),
  };
  await saveCheckpoint(path, config, saved.params, { metadata: modelNotes(saved) });
  return saved;
}

/** What computes in Node. */
export const inNode = { kind: "wasm", name: "Node", execute: compiled(), dispose: async () => undefined } as const;
