import type { Encoded, Patches, View } from "@kdc-mae/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { encodeVisible } from "./encoder.js";
import type { EncoderParams } from "./params.js";

/**
 * The tokens of every view without decoding them, as a moving-average teacher gives.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @returns per view joint `[B, Ka + Kv, D]`, audio `[B, Ka, D]`, visual `[B, Kv, D]`
 */
export const encodeViews = (
  config: ModelConfig,
  encoder: EncoderParams<Tensor>,
  patches: Patches,
  views: readonly View[],
): readonly Encoded[] =>
  views.map(({ audio, visual }) =>
    encodeVisible(config, encoder, patches, { audio: audio.visible, visual: visual.visible }, 1),
  );
