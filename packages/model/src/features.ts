import type { Encoded, Patches } from "@kdc-mae/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { branchTokens } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import { encodedStreams } from "./joint.js";
import type { EncoderParams } from "./params.js";
import { encoderSettings } from "./stream-settings.js";

/**
 * Encodes clips with nothing hidden: joint `[B, Na + Nv, D]`, audio `[B, Na, D]`, visual `[B, Nv, D]`; the global
 * tokens `[B, 1, D]` where the model has such.
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
  const { branches, streams } = encoderSettings(config, patches.visual.shape[0]);
  const audio = branchTokens(config, encoder, "audio", patches.audio, branches.audio);
  const visual = branchTokens(config, encoder, "visual", patches.visual, branches.visual);
  return encodedStreams(encoder, audio, visual, streams);
}
