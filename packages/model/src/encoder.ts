import type { Encoded, Modality, Patches } from "@kdc-mae/core";
import {
  concat,
  expandDims,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tile,
} from "@tensorflow/tfjs-core";
import { departsBy, type PretrainOptions } from "./compat.js";
import type { ModelConfig } from "./config.js";
import { embedPatches, embedVisible } from "./embed.js";
import { encodedStreams } from "./joint.js";
import { type BlockSettings, blocks } from "./nn/block.js";
import type { EncoderParams } from "./params.js";
import { encoderSettings } from "./stream-settings.js";

/**
 * Embedded patches of one modality through its branch: the global token goes in before them and comes out with them,
 * the registers go in after them and stay behind. `[B, K, D]` → `[B, 1 + K, D]` with a global token, else `[B, K, D]`.
 */
function throughBranch(
  params: EncoderParams<Tensor>,
  modality: Modality,
  embedded: Tensor3D,
  settings: BlockSettings,
): Tensor3D {
  const { global, blocks: stack } = params[modality];
  const [B, K, D] = embedded.shape;
  const repeated = (tokens: Tensor): Tensor3D => tile(tokens as Tensor3D, [B, 1, 1]);
  const registers = registersOf(params, modality);
  const before = global === undefined ? [] : [repeated(global)];
  const after = registers === undefined ? [] : [repeated(expandDims(registers, 0))];
  if (before.length + after.length === 0) return blocks(stack, embedded, settings);
  const all = blocks(stack, concat([...before, embedded, ...after], 1), settings);
  return after.length === 0 ? all : slice(all, [0, 0, 0], [B, before.length + K, D]);
}

/** The registers of one modality, `[R, D]`. */
function registersOf({ registers }: EncoderParams<Tensor>, modality: Modality): Tensor2D | undefined {
  if (registers === undefined) return undefined;
  const [both, D] = registers.shape;
  const R = both / 2;
  return slice(registers as Tensor2D, [modality === "audio" ? 0 : R, 0], [R, D]);
}

/** Every patch of one modality through its own branch: `[B, N, P]` → `[B, N, D]`, after the global token where there is one. */
export function branchTokens(
  config: ModelConfig,
  params: EncoderParams<Tensor>,
  modality: Modality,
  patches: Tensor3D,
  settings: BlockSettings,
): Tensor3D {
  return throughBranch(params, modality, embedPatches(params[modality], config[modality], patches), settings);
}

/**
 * Encodes what a view shows.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @param visible audio `[B, Ka·V]`, visual `[B, Kv·V]` int32: the visible patches of V views, one view after another
 * @param views V
 * @param options with the departure `unchained-streams` the audio and the visual stream meet only the last joint block
 * @returns streams of `B·V` samples, all views of the first clip first
 */
export function encodeVisible(
  config: ModelConfig,
  params: EncoderParams<Tensor>,
  patches: Patches,
  visible: Readonly<Record<Modality, Tensor2D>>,
  views: number,
  { compat, keep }: PretrainOptions = {},
): Encoded {
  const B = patches.visual.shape[0];
  const Kv = visible.visual.shape[1] / views;
  const settings = encoderSettings(config, B * views, { visible: reshape(visible.visual, [B * views, Kv]), keep });
  const tokens = (modality: Modality): Tensor3D => {
    const embedded = embedVisible(params[modality], config[modality], patches[modality], visible[modality]);
    const [, KV, D] = embedded.shape;
    const samples = reshape(embedded, [B * views, KV / views, D]) as Tensor3D;
    return throughBranch(params, modality, samples, settings.branches[modality]);
  };
  const { joint } = params;
  const unchained = departsBy(compat, "unchained-streams");
  const alone = unchained ? { ...joint, blocks: joint.blocks.slice(-1) } : joint;
  const { visual } = settings.streams;
  // Heads that are left are listed block by block; of one block alone it is the last entry.
  const streams = unchained
    ? { ...settings.streams, visual: { ...visual, left: visual.left?.slice(-1) } }
    : settings.streams;
  return encodedStreams(params, tokens("audio"), tokens("visual"), streams, alone);
}
