import type { Encoded, Patches } from "@kdc-mae/core";
import { reshape, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs-core";
import { type Compat, departsBy } from "./compat.js";
import type { ModelConfig } from "./config.js";
import { embedAll, embedVisible } from "./embed.js";
import { jointStreams } from "./joint.js";
import { type BlockSettings, blocks } from "./nn/block.js";
import type { EncoderParams } from "./params.js";
import { streamSettings } from "./stream-settings.js";

/** Every patch of one modality through its own branch: `[B, N, P]` → `[B, N, D]`. */
export function branchTokens(
  config: ModelConfig,
  params: EncoderParams<Tensor>,
  modality: "audio" | "visual",
  patches: Tensor3D,
  settings: BlockSettings,
): Tensor3D {
  const branch = params[modality];
  return blocks(branch.blocks, embedAll(branch, config[modality], patches), settings);
}

/**
 * Encodes what a view shows.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @param visible audio `[B, Ka·V]`, visual `[B, Kv·V]` int32: the visible patches of V views, one view after another
 * @param views V
 * @param compat with `unchained-streams` the audio and the visual stream meet only the last joint block
 * @returns streams of `B·V` samples, all views of the first clip first
 */
export function encodeVisible(
  config: ModelConfig,
  params: EncoderParams<Tensor>,
  patches: Patches,
  visible: Readonly<Record<"audio" | "visual", Tensor2D>>,
  views: number,
  compat?: Compat,
): Encoded {
  const B = patches.visual.shape[0];
  const Kv = visible.visual.shape[1] / views;
  const settings = streamSettings(config, B * views, reshape(visible.visual, [B * views, Kv]));
  const tokens = (modality: "audio" | "visual"): Tensor3D => {
    const branch = params[modality];
    const embedded = embedVisible(branch, config[modality], patches[modality], visible[modality]);
    const [, KV, D] = embedded.shape;
    return blocks(branch.blocks, reshape(embedded, [B * views, KV / views, D]) as Tensor3D, settings[modality]);
  };
  const { joint } = params;
  const alone = departsBy(compat, "unchained-streams") ? { ...joint, blocks: joint.blocks.slice(-1) } : joint;
  return jointStreams(joint, tokens("audio"), tokens("visual"), settings, alone);
}
