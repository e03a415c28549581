import type { Encoded, Patches } from "@kdc-mae/core";
import type { Tensor, Tensor3D } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { branchTokens } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import { aloneStream, encodedStreams } from "./joint.js";
import type { EncoderParams } from "./params.js";
import { encoderSettings } from "./stream-settings.js";

/**
 * Encodes clips with nothing hidden: joint `[B, Na + Nv, D]`, audio `[B, Na, D]`, visual `[B, Nv, D]`; the global
 * tokens `[B, 1, D]` where the model has such.
 *
 * @param params anything with an encoder: a pretrained model or a classifier
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 *
 * @example
 * ```ts
 * import type { Patches } from "@kdc-mae/core";
 * import { features, type ModelParams, presets } from "@kdc-mae/model";
 * import { mean, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
 *
 * // One vector a clip, [B, 64], of patches audio [B, 48, 256] and visual [B, 64, 192].
 * const embed = (params: ModelParams<Tensor>, patches: Patches): Tensor2D =>
 *   mean(features(presets.tiny, params, patches).joint, 1); // the mean of [B, 112, 64] over tokens
 * ```
 */
export function features(
  config: ModelConfig,
  params: { readonly encoder: EncoderParams<Tensor> },
  patches: Patches,
): Encoded {
  expectPatches("features", config, patches);
  const { encoder } = params;
  const { branches, streams } = encoderSettings(config, patches.visual.shape[0]);
  const audio = branchTokens(config, encoder, "audio", patches.audio, branches.audio);
  const visual = branchTokens(config, encoder, "visual", patches.visual, branches.visual);
  return encodedStreams(encoder, audio, visual, streams);
}

/**
 * One modality of clips whose other one is not there: its tokens as {@link features} gives them, `[B, N, D]`. The audio
 * and the visual stream never see each other.
 *
 * @param patches of that modality, `[B, N, P]`
 */
export function featuresOf(
  config: ModelConfig,
  params: { readonly encoder: EncoderParams<Tensor> },
  modality: "audio" | "visual",
  patches: Tensor3D,
): Tensor3D {
  const { branches, streams } = encoderSettings(config, expectPatches("featuresOf", config, { [modality]: patches }));
  const tokens = branchTokens(config, params.encoder, modality, patches, branches[modality]);
  return aloneStream(params.encoder, modality, tokens, streams[modality]);
}
