import type { HostTensor } from "@kdc-mae/core";
import type { ModelConfig } from "../config.js";

/** The sizes that a file's names and shapes tell; the number of heads is not among them. */
export type StoredSizes = Readonly<
  Partial<
    Record<
      | "embedDim"
      | "modalityDepth"
      | "jointDepth"
      | "decoderDim"
      | "decoderDepth"
      | "registers"
      | "contrastHeads"
      | "audio.patch"
      | "visual.patch"
      | "audio.channels"
      | "visual.channels",
      number
    >
  >
>;

/** Blocks of a stack, each known by its attention. */
const depth = (names: Iterable<string>, stack: string): number =>
  [...names].filter((name) => name.startsWith(`${stack}.`) && name.endsWith(".attn.qkv.weight")).length;

/**
 * Sizes of a model from tensors under official names, without the prefix `module.`; empty for a file of another kind.
 */
export function storedSizes(stored: ReadonlyMap<string, HostTensor>): StoredSizes {
  const [audio, visual] = ["a", "v"].map((letter) => stored.get(`patch_embed_${letter}.proj.weight`)?.shape ?? []);
  const decoderDim = stored.get("decoder_embed.weight")?.shape[0];
  const registers = stored.get("register_tokens")?.shape[0];
  const contrastHeads = depth(stored.keys(), "constrative_head_audio");
  if (audio[0] === undefined) return {};
  return {
    embedDim: audio[0],
    modalityDepth: depth(stored.keys(), "blocks_a"),
    jointDepth: depth(stored.keys(), "blocks_u"),
    ...(registers === undefined ? {} : { registers: registers / 2 }),
    ...(contrastHeads === 0 ? {} : { contrastHeads }),
    ...(decoderDim === undefined ? {} : { decoderDim, decoderDepth: depth(stored.keys(), "decoder_blocks") }),
    ...{ "audio.channels": audio[1], "audio.patch": audio[2] },
    ...{ "visual.channels": visual[1], "visual.patch": visual[2] },
  };
}

const sizeIn = (config: ModelConfig, name: string): unknown =>
  name.split(".").reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], config);

/** Where a file's sizes are not the config's: "embedDim is 64, not 768". */
export const differingSizes = (config: ModelConfig, sizes: StoredSizes): readonly string[] =>
  Object.entries(sizes)
    .filter(([name, value]) => value !== undefined && value !== sizeIn(config, name))
    .map(([name, value]) => `${name} is ${value}, not ${sizeIn(config, name)}`);
