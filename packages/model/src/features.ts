import type { Encoded, Patches } from "@kdc-mae/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { branchTokens } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import { jointStreams } from "./joint.js";
import type { EncoderParams } from "./params.js";
import { streamSettings } from "./stream-settings.js";

/**
 * Encodes clips with nothing hidden: joint `[B, Na + Nv, D]`, audio `[B, Na, D]`, visual `[B, Nv, D]`.
 *
 * @param params anything with an encoder: a pretrained model or a classifier
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 */
export function features(
  config: ModelConfig,
  params: { readonly encoder: EncoderParams<Tensor> },
  patches: Patches,
): Encoded {
  expectPatches("features", config, patches);
  const { encoder } = params;
  const settings = streamSettings(config, patches.visual.shape[0]);
  const audio = branchTokens(config, encoder, "audio", patches.audio, settings.audio);
  const visual = branchTokens(config, encoder, "visual", patches.visual, settings.visual);
  return jointStreams(encoder.joint, audio, visual, settings);
}
