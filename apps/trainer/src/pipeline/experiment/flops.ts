import { countPatches, type Modality, patchLength } from "@kdc-mae/core";
import type { ModelConfig } from "@kdc-mae/model";

/** Floating-point operations of the matrix products of one transformer block: 24·N·D² for the layers, 4·N²·D for attention. */
const block = (tokens: number, dim: number): number => 24 * tokens * dim ** 2 + 4 * tokens ** 2 * dim;

/** Encoder on `Na` audio and `Nv` visual tokens: both branches, then the joint stack on three streams. */
function encode(config: ModelConfig, Na: number, Nv: number): number {
  const { embedDim: D, modalityDepth, jointDepth, audio, visual } = config;
  const embed = 2 * D * (Na * patchLength(audio) + Nv * patchLength(visual));
  const branches = modalityDepth * (block(Na, D) + block(Nv, D));
  return embed + branches + jointDepth * (block(Na + Nv, D) + block(Na, D) + block(Nv, D));
}

/** One clip through the encoder with nothing hidden. */
export const embedFlops = (config: ModelConfig): number =>
  encode(config, countPatches(config.audio), countPatches(config.visual));

/** Share of patches hidden, of each modality. */
type Ratio = { readonly audio: number; readonly visual: number };

/** One masked view of a clip through the encoder. */
export function encodeViewFlops(config: ModelConfig, ratio: Ratio): number {
  const visible = (modality: Modality) => Math.floor(countPatches(config[modality]) * (1 - ratio[modality]));
  return encode(config, visible("audio"), visible("visual"));
}

/** One clip's pretraining step: forward of every view, and twice that for the gradients. */
export function pretrainFlops(config: ModelConfig, views: number, ratio: number | Ratio): number {
  const { embedDim, decoderDim: D, decoderDepth, audio, visual } = config;
  const hidden = typeof ratio === "number" ? { audio: ratio, visual: ratio } : ratio;
  const [Na, Nv] = [countPatches(audio), countPatches(visual)];
  const [Ka, Kv] = [Math.floor(Na * (1 - hidden.audio)), Math.floor(Nv * (1 - hidden.visual))];
  const decode =
    2 * (Ka + Kv) * embedDim * D +
    decoderDepth * block(Na + Nv, D) +
    2 * D * (Na * patchLength(audio) + Nv * patchLength(visual));
  return 3 * views * (encodeViewFlops(config, hidden) + decode);
}
