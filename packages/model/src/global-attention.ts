import { KdcError, type Modality, type Patches, type Sampling } from "@kdc-mae/core";
import { mean, reshape, slice, softmax, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { branchTokens } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import { throughNorms } from "./joint.js";
import { attentionScores, headsLeft } from "./nn/attention.js";
import { blocks, settingsOf } from "./nn/block.js";
import { layerNorm } from "./nn/layer-norm.js";
import type { EncoderParams } from "./params.js";
import { encoderSettings } from "./stream-settings.js";

/**
 * How much every patch attends to its modality's global token in the last joint block, nothing hidden: mean over heads,
 * audio `[B, Na]`, visual `[B, Nv]` (TG-DP, Wang et al. 2026: the patches whose attention is highest are those a teacher
 * lets the contrast see). All attention of that block is held at once.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @throws KdcError (`config`) for a model without global tokens
 */
export function globalAttention(
  config: ModelConfig,
  { encoder }: { readonly encoder: EncoderParams<Tensor> },
  patches: Patches,
): Sampling {
  expectPatches("globalAttention", config, patches);
  if (encoder.audio.global === undefined) {
    throw new KdcError({
      where: "globalAttention",
      what: "the model has no global token to attend to",
      remedy: "Set model.globalToken",
      reason: "config",
    });
  }
  const { branches, streams } = encoderSettings(config, patches.visual.shape[0]);
  const of = (modality: Modality): Tensor2D => {
    const settings = streams[modality];
    const stack = encoder.joint.blocks.map((joint) => throughNorms(joint, modality));
    const branch = branchTokens(config, encoder, modality, patches[modality], branches[modality]);
    const tokens = blocks(stack.slice(0, -1), branch, settings);
    const last = stack[stack.length - 1];
    const { heads, epsilon, near } = settingsOf(settings, stack.length - 1);
    const left = headsLeft(last.attention, config.embedDim / heads);
    const weights = softmax(
      attentionScores(last.attention, layerNorm(last.attentionNorm, tokens, epsilon), heads, near),
    );
    const [B, N] = tokens.shape;
    const toGlobal = slice(reshape(weights, [B, left, N, N]), [0, 0, 1, 0], [B, left, N - 1, 1]);
    return reshape(mean(toGlobal, 1), [B, N - 1]);
  };
  return { audio: of("audio"), visual: of("visual") };
}
