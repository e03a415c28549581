import { type FloatTensor, float32, type HostTensor, treeLeaves } from "@kdc-mae/core";
import type { ModelConfig } from "../config.js";
import { sineCosinePositions } from "../nn/positions.js";
import type { ClassifierParams, ModelParams } from "../params.js";
import { classifierSpec, modelSpec, type ParameterSpec } from "../spec.js";
import { toStored } from "./names.js";

type StateDict = Record<string, HostTensor>;

/** The position tables of an official model: name, and how to make it. */
function positionNames(config: ModelConfig, decoder: boolean): Record<string, () => FloatTensor> {
  const { audio, visual, embedDim, decoderDim } = config;
  const encoder = {
    pos_embed_a: () => sineCosinePositions(audio, embedDim),
    pos_embed_v: () => sineCosinePositions(visual, embedDim),
  };
  if (!decoder) return encoder;
  return {
    ...encoder,
    decoder_pos_embed_a: () => sineCosinePositions(audio, decoderDim),
    decoder_pos_embed_v: () => sineCosinePositions(visual, decoderDim),
  };
}

/** The norms for other streams that official blocks own and never use, as PyTorch makes them: gain 1, bias 0. */
function unusedNorms(config: ModelConfig, decoder: boolean): StateDict {
  const { modalityDepth, decoderDepth, embedDim, decoderDim, contrastHeads = 0 } = config;
  const stacks: [string, number, number][] = [
    ["blocks_a", modalityDepth, embedDim],
    ["blocks_v", modalityDepth, embedDim],
    ["constrative_head_audio", contrastHeads, embedDim],
    ["constrative_head_visual", contrastHeads, embedDim],
    ...(decoder ? [["decoder_blocks", decoderDepth, decoderDim] as [string, number, number]] : []),
  ];
  const made: StateDict = {};
  for (const [stack, depth, dim] of stacks) {
    for (let index = 0; index < depth; index++) {
      for (const norm of ["norm1_a", "norm1_v", "norm2_a", "norm2_v"]) {
        made[`${stack}.${index}.${norm}.weight`] = float32([dim], new Float32Array(dim).fill(1));
        made[`${stack}.${index}.${norm}.bias`] = float32([dim]);
      }
    }
  }
  return made;
}

/**
 * A tree like the parameters (theirs, or their gradients) under official PyTorch names and shapes, and nothing else.
 */
export function officialTensors(
  config: ModelConfig,
  params: ModelParams<FloatTensor> | ClassifierParams<FloatTensor>,
): Record<string, FloatTensor> {
  const specs = "decoder" in params ? modelSpec(config) : classifierSpec(config, params.head.linear.weight.shape[0]);
  const values = new Map(treeLeaves<FloatTensor>(params));
  return Object.fromEntries(
    treeLeaves<ParameterSpec>(specs).map(([path, spec]) => [spec.official, toStored(spec, values.get(path)!)]),
  );
}

/**
 * Parameters under their official PyTorch names and shapes, complete enough for a strict `load_state_dict` of the
 * official CAV-MAE classes: with position tables and with the norms those classes own and never use. Most tensors
 * share their memory with the parameters.
 *
 * @param params a pretraining model or a classifier
 * @param unused tensors to carry along, such as those a load returned as unused
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { initModel, loadModel, presets, stateDict } from "@kdc-mae/model";
 *
 * const named = stateDict(presets.tiny, initModel(presets.tiny, createRng(1))); // as PyTorch names them
 * const { params } = loadModel(presets.tiny, named);
 * ```
 */
export function stateDict(
  config: ModelConfig,
  params: ModelParams<FloatTensor> | ClassifierParams<FloatTensor>,
  unused: Readonly<Record<string, HostTensor>> = {},
): StateDict {
  const isModel = "decoder" in params;
  const tables = Object.entries(positionNames(config, isModel)).map(([name, make]) => [name, make()]);
  return {
    ...unusedNorms(config, isModel),
    ...Object.fromEntries(tables),
    ...unused,
    ...officialTensors(config, params),
  };
}
