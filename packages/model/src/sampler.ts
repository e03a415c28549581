import type { Modality, Patches, Sampling } from "@kdc-mae/core";
import {
  add,
  clone,
  customGrad,
  logSoftmax,
  mul,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  zerosLike,
} from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { embedPatches } from "./embed.js";
import { block } from "./nn/block.js";
import { linear } from "./nn/linear.js";
import type { EncoderParams, SamplerParams } from "./params.js";

/** The same values, through which no gradient flows: what draws the patches is trained apart from what encodes them. */
function still<T extends Tensor>(x: T): T {
  const held = customGrad((input) => ({
    value: clone(input as Tensor),
    gradFunc: (dy: Tensor) => zerosLike(dy),
  }));
  return held(x) as T;
}

/**
 * How likely every patch is to be seen (AdaMAE, Bandara et al. 2023; one transformer block and a linear layer on the
 * embedded patches, as the unused functions of the KDC-MAE code have it): log-probabilities over the patches of each
 * modality. Gradients reach the sampler alone.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 */
export function patchLogProbabilities(
  config: ModelConfig,
  encoder: EncoderParams<Tensor>,
  sampler: SamplerParams<Tensor>,
  patches: Patches,
): Sampling {
  const { heads, temperature = 1 } = config.sampler ?? { heads: config.heads };
  const of = (modality: Modality): Tensor2D => {
    const { positions, block: layers, score } = sampler[modality];
    const embedded = still(embedPatches(encoder[modality], config[modality], patches[modality]));
    const settings = { heads, epsilon: config.layerNormEpsilon };
    const seen = block(layers, add(embedded, positions) as Tensor3D, settings);
    const [B, N] = seen.shape;
    return logSoftmax(mul(reshape(linear(score, seen), [B, N]), 1 / temperature));
  };
  return { audio: of("audio"), visual: of("visual") };
}
