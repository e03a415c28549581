import type { Patches } from "@kdc-mae/core";
import {
  concat,
  log,
  maximum,
  mean,
  mul,
  reshape,
  softmax,
  stack,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
} from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { branchTokens } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import { patchTokens, throughNorms } from "./joint.js";
import { attentionScores, headsLeft } from "./nn/attention.js";
import { block } from "./nn/block.js";
import { layerNorm } from "./nn/layer-norm.js";
import type { EncoderParams } from "./params.js";
import { encoderSettings } from "./stream-settings.js";

/** Below it x ln x counts as 0. */
const SMALLEST = 1e-30;

/** −Σ a ln a / ln N of attention `[B·H, N, N]`, mean over queries and clips: `[H]`. */
function entropyOfHeads(scores: Tensor, heads: number): Tensor {
  const [all, N] = scores.shape;
  const weights = softmax(scores);
  const spread = sum(mul(weights, log(maximum(weights, SMALLEST))), 2);
  const mixed = reshape(mean(spread, 1), [all / heads, heads]);
  return mul(mean(mixed, 0), -1 / Math.log(N));
}

/**
 * How widely the joint blocks look with nothing hidden, sound and picture together: of every block and head the entropy
 * of its attention over its largest value, 0 (one token) to 1 (all alike), `[L, H]`. See `attentionEntropy` of
 * @kdc-mae/eval for the formula's source. All attention is held at once, so give it few clips.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 */
export function attentionEntropies(
  config: ModelConfig,
  { encoder }: { readonly encoder: EncoderParams<Tensor> },
  patches: Patches,
): Tensor2D {
  expectPatches("attentionEntropies", config, patches);
  const { branches, streams } = encoderSettings(config, patches.visual.shape[0]);
  const { heads, epsilon } = streams.joint;
  const tokensOf = (modality: "audio" | "visual") =>
    patchTokens(encoder, branchTokens(config, encoder, modality, patches[modality], branches[modality]));
  let tokens = concat([tokensOf("audio"), tokensOf("visual")], 1) as Tensor3D;
  const rows = encoder.joint.blocks.map((joint) => {
    const own = throughNorms(joint, "joint");
    const scores = attentionScores(own.attention, layerNorm(own.attentionNorm, tokens, epsilon), heads);
    const row = entropyOfHeads(scores, headsLeft(own.attention, config.embedDim / heads));
    tokens = block(own, tokens, streams.joint);
    return row;
  });
  return stack(rows) as Tensor2D;
}
