import type { Encoded } from "@kdc-mae/core";
import { concat, type Tensor, type Tensor3D } from "@tensorflow/tfjs-core";
import { type Block, type BlockSettings, blocks } from "./nn/block.js";
import { layerNorm } from "./nn/layer-norm.js";
import type { EncoderParams, JointBlock, Stream } from "./params.js";

/** A joint block as one stream meets it: shared attention and MLP, the stream's own norms. */
export function throughNorms<Leaf>(block: JointBlock<Leaf>, stream: Stream): Block<Leaf> {
  return { ...block.norms[stream], attention: block.attention, mlp: block.mlp };
}

/** One pass through the joint blocks and the final norm with the norms of `stream`: `[B, N, D]` → `[B, N, D]`. */
export function jointPass(
  joint: EncoderParams<Tensor>["joint"],
  stream: Stream,
  tokens: Tensor3D,
  settings: BlockSettings,
): Tensor3D {
  const stack = joint.blocks.map((block) => throughNorms(block, stream));
  return layerNorm(joint.norms[stream], blocks(stack, tokens, settings), settings.epsilon);
}

/**
 * The three passes of KDC-MAE over the tokens of the two branches.
 *
 * @param audio `[B, Ka, D]`
 * @param visual `[B, Kv, D]`
 * @param settings how the blocks run for each stream
 * @param alone the joint stack as the audio and the visual stream meet it; the whole of it unless given
 */
export const jointStreams = (
  joint: EncoderParams<Tensor>["joint"],
  audio: Tensor3D,
  visual: Tensor3D,
  settings: Readonly<Record<Stream, BlockSettings>>,
  alone = joint,
): Encoded => ({
  joint: jointPass(joint, "joint", concat([audio, visual], 1), settings.joint),
  audio: jointPass(alone, "audio", audio, settings.audio),
  visual: jointPass(alone, "visual", visual, settings.visual),
});
