import { countPatches, type Modality, type Reconstruction } from "@kdc-mae/core";
import { add, concat, slice, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { positionTable } from "./embed.js";
import { blocks, type Keep } from "./nn/block.js";
import { layerNorm } from "./nn/layer-norm.js";
import { linear } from "./nn/linear.js";
import type { DecoderParams, ModelParams } from "./params.js";
import { place } from "./place.js";

/**
 * Predicts every patch from the joint tokens of the visible ones.
 *
 * @param joint `[B, Ka + Kv, D]`, audio first
 * @param seats where each token belongs: audio `[B, Ka]`, visual `[B, Kv]` int32
 * @param keep what of a block is kept for the gradient, all unless given
 */
export function decode(
  config: ModelConfig,
  params: DecoderParams<Tensor>,
  joint: Tensor3D,
  seats: Readonly<Record<Modality, Tensor2D>>,
  keep?: Keep,
): Reconstruction {
  const settings = { heads: config.decoderHeads, epsilon: config.layerNormEpsilon, keep };
  const tokens = linear(params.embed, joint);
  const Na = countPatches(config.audio);
  const Nv = countPatches(config.visual);
  const Ka = seats.audio.shape[1];

  const seated = (modality: Modality, from: number, count: number, n: number): Tensor3D => {
    const own = slice(tokens, [0, from, 0], [-1, count, -1]);
    const { modality: token, positions } = params[modality];
    const table = positionTable(positions, config[modality], config.decoderDim);
    return add(add(place(own, seats[modality], n, params.mask), table), token);
  };
  const all = concat([seated("audio", 0, Ka, Na), seated("visual", Ka, seats.visual.shape[1], Nv)], 1);
  const decoded = layerNorm(params.norm, blocks(params.blocks, all, settings), settings.epsilon);
  return {
    audio: linear(params.audio.head, slice(decoded, [0, 0, 0], [-1, Na, -1])),
    visual: linear(params.visual.head, slice(decoded, [0, Na, 0], [-1, Nv, -1])),
  };
}

/**
 * What the predictor takes a teacher's tokens to be, at every patch: audio `[B, Na, D]`, visual `[B, Nv, D]`; nothing
 * where the model has none (I-JEPA, Assran et al. 2023: a narrow transformer over what is seen and mask tokens).
 *
 * @param joint `[B, Ka + Kv, D]`, audio first
 * @param seats as {@link decode} has them
 */
export function predictedTokens(
  config: ModelConfig,
  { predictor }: Pick<ModelParams<Tensor>, "predictor">,
  joint: Tensor3D,
  seats: Readonly<Record<Modality, Tensor2D>>,
  keep?: Keep,
): Reconstruction | undefined {
  if (predictor === undefined || config.predictor === undefined) return undefined;
  const { dim, heads } = config.predictor;
  return decode({ ...config, decoderDim: dim, decoderHeads: heads }, predictor, joint, seats, keep);
}
