import type { Encoded, Modality, Stream } from "@kdc-mae/core";
import { concat, slice, type Tensor, type Tensor3D } from "@tensorflow/tfjs-core";
import { type Block, type BlockSettings, blocks } from "./nn/block.js";
import { layerNorm } from "./nn/layer-norm.js";
import type { EncoderParams, JointBlock } from "./params.js";

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

/** One modality's own pass: the joint blocks through its norms, its contrast heads where it has such, and its final norm. */
function modalityPass(
  params: EncoderParams<Tensor>,
  joint: EncoderParams<Tensor>["joint"],
  modality: Modality,
  tokens: Tensor3D,
  settings: BlockSettings,
): Tensor3D {
  const { heads = [] } = params[modality];
  const stack = joint.blocks.map((block) => throughNorms(block, modality));
  return layerNorm(joint.norms[modality], blocks([...stack, ...heads], tokens, settings), settings.epsilon);
}

/** A sequence that begins with a global token, taken apart. */
function apart(tokens: Tensor3D): { readonly global: Tensor3D; readonly local: Tensor3D } {
  const [B, all, D] = tokens.shape;
  return { global: slice(tokens, [0, 0, 0], [B, 1, D]), local: slice(tokens, [0, 1, 0], [B, all - 1, D]) };
}

/** One modality's patch tokens where the other is not there: the pass it has beside it, too. */
export function aloneStream(
  params: EncoderParams<Tensor>,
  modality: "audio" | "visual",
  tokens: Tensor3D,
  settings: BlockSettings,
): Tensor3D {
  return patchTokens(params, modalityPass(params, params.joint, modality, tokens, settings));
}

/**
 * The three passes of KDC-MAE over the tokens of the two branches; global tokens are left out of the joint one.
 *
 * @param audio `[B, Ka, D]`, after its global token where the model has one
 * @param visual `[B, Kv, D]`, likewise
 * @param settings how the joint blocks run for each stream
 * @param alone the joint stack as the audio and the visual stream meet it; the whole of it unless given
 */
export function encodedStreams(
  params: EncoderParams<Tensor>,
  audio: Tensor3D,
  visual: Tensor3D,
  settings: Readonly<Record<Stream, BlockSettings>>,
  alone = params.joint,
): Encoded {
  const heard = modalityPass(params, alone, "audio", audio, settings.audio);
  const seen = modalityPass(params, alone, "visual", visual, settings.visual);
  const together = (a: Tensor3D, v: Tensor3D) => jointPass(params.joint, "joint", concat([a, v], 1), settings.joint);
  if (params.audio.global === undefined) return { joint: together(audio, visual), audio: heard, visual: seen };
  const [a, v] = [apart(heard), apart(seen)];
  return {
    joint: together(apart(audio).local, apart(visual).local),
    ...{ audio: a.local, visual: v.local, globalAudio: a.global, globalVisual: v.global },
  };
}

/** What comes out of a branch without its global token: what a joint pass takes. */
export const patchTokens = (params: EncoderParams<Tensor>, tokens: Tensor3D): Tensor3D =>
  params.audio.global === undefined ? tokens : apart(tokens).local;
