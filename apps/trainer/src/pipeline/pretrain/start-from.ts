import { createRng, type FloatTensor, type HostTensor } from "@kdc-mae/core";
import {
  initModel,
  loadImageMae,
  loadModel,
  type ModelConfig,
  type ModelParams,
  stateDict,
  withoutPrefix,
} from "@kdc-mae/model";
import { inCheckpoint } from "../run/in-checkpoint.js";
import { tensorsOfModel } from "../run/tensors-of-model.js";
import type { Surroundings } from "../surroundings.js";

type Tensors = Readonly<Record<string, HostTensor>>;

/** Parts that a model may have beside what every checkpoint holds, by the names of their tensors. */
const extras: Readonly<Record<string, RegExp>> = {
  "the predictor": /^predictor_/,
  "the network that draws views": /^sampler_[av]\./,
  "global tokens": /^cls_token_[av]$/,
  registers: /^register_tokens$/,
  "contrast heads": /^constrative_head_/,
};

/** The tensors with those of parts that the model has and the file has not, as they begin. */
function withFreshParts(config: ModelConfig, tensors: Tensors, seed: number) {
  const { predictor, sampler, globalToken = false, registers = 0, contrastHeads = 0 } = config;
  const has = predictor !== undefined || sampler !== undefined || globalToken || registers + contrastHeads > 0;
  if (!has) return { tensors, notes: [] };
  const stored = withoutPrefix(tensors);
  const wanted = Object.entries(stateDict(config, initModel(config, createRng(seed).fork("init"))));
  const missing = Object.entries(extras).flatMap(([part, names]) => {
    const own = wanted.filter(([name]) => names.test(name));
    return own.some(([name]) => stored.has(name)) ? [] : own.map((entry) => [part, entry] as const);
  });
  const parts = [...new Set(missing.map(([part]) => part))];
  return {
    tensors: { ...tensors, ...Object.fromEntries(missing.map(([, entry]) => entry)) },
    notes: parts.length === 0 ? [] : [`not in the checkpoint, so started from fresh weights: ${parts.join(", ")}`],
  };
}

/**
 * A model from any checkpoint that fits; files with a class token are ImageNet MAEs. Parts that a checkpoint of another
 * arm does not have (global tokens, registers, contrast heads, a predictor, a sampling network) begin anew.
 *
 * @throws KdcError for a checkpoint of another size
 */
export async function startFrom(
  path: string,
  config: ModelConfig,
  seed: number,
  around: Surroundings,
): Promise<ModelParams<FloatTensor>> {
  const { tensors } = await tensorsOfModel(path, around);
  const isImageMae = withoutPrefix(tensors).has("cls_token");
  const given = isImageMae ? { tensors, notes: [] } : withFreshParts(config, tensors, seed);
  const loaded = inCheckpoint(path, () =>
    isImageMae ? loadImageMae(config, tensors, createRng(seed).fork("init")) : loadModel(config, given.tensors),
  );
  for (const note of [...given.notes, ...loaded.notes]) around.onNote?.(`${path}: ${note}`);
  return loaded.params;
}
