import { countPatches, type Modality, patchLength, type Stream } from "@kdc-mae/core";
import type { ModelConfig } from "@kdc-mae/model";

/** What is left of a block: channels of its heads together, and units. */
type Left = { readonly attended: number; readonly units: number };

/**
 * Floating-point operations of the matrix products of one transformer block: of a whole one 24·N·D² for the layers and
 * 4·N²·D for attention.
 */
const block = (tokens: number, dim: number, { attended, units }: Left = { attended: dim, units: 4 * dim }): number =>
  tokens * dim * (8 * attended + 4 * units) + 4 * tokens ** 2 * attended;

/** The blocks of a stack on so many tokens. */
function stack({ pruned, embedDim: D, heads }: ModelConfig, name: Stream, depth: number, tokens: number): number {
  if (pruned === undefined) return depth * block(tokens, D);
  return pruned[name].reduce(
    (sum, { heads: kept, units }) => sum + block(tokens, D, { attended: (kept.length * D) / heads, units }),
    0,
  );
}

/**
 * Encoder on `Na` audio and `Nv` visual patches: both branches, then the joint stack on three streams, and the contrast
 * heads; global tokens and registers go with their modality.
 */
function encode(config: ModelConfig, Na: number, Nv: number): number {
  const { embedDim: D, modalityDepth, jointDepth, audio, visual } = config;
  const { globalToken = false, registers = 0, contrastHeads = 0 } = config;
  const globals = globalToken ? 1 : 0;
  const embed = 2 * D * (Na * patchLength(audio) + Nv * patchLength(visual));
  const [before, alone] = [globals + registers, globals];
  const branches =
    stack(config, "audio", modalityDepth, Na + before) + stack(config, "visual", modalityDepth, Nv + before);
  const joint = [Na + Nv, Na + alone, Nv + alone].map((tokens) => stack(config, "joint", jointDepth, tokens));
  const contrast = contrastHeads * (block(Na + alone, D) + block(Nv + alone, D));
  return embed + branches + joint.reduce((sum, flops) => sum + flops) + contrast;
}

/** One clip through the encoder with nothing hidden. */
export const embedFlops = (config: ModelConfig): number =>
  encode(config, countPatches(config.audio), countPatches(config.visual));

/** Share of patches hidden, of each modality. */
type Ratio = { readonly audio: number; readonly visual: number };

/** Patches seen of each modality. */
const seen = (config: ModelConfig, ratio: Ratio): Readonly<Record<Modality, number>> => {
  const visible = (modality: Modality) => Math.floor(countPatches(config[modality]) * (1 - ratio[modality]));
  return { audio: visible("audio"), visual: visible("visual") };
};

/** One masked view of a clip through the encoder. */
export function encodeViewFlops(config: ModelConfig, ratio: Ratio): number {
  const { audio, visual } = seen(config, ratio);
  return encode(config, audio, visual);
}

/** One view filled in from its joint tokens by a stack of its own, such as the decoder. */
function fillInFlops(
  config: ModelConfig,
  ratio: Ratio,
  { dim: D, depth, out }: { readonly dim: number; readonly depth: number; readonly out: Ratio },
): number {
  const [Na, Nv] = [countPatches(config.audio), countPatches(config.visual)];
  const { audio, visual } = seen(config, ratio);
  return (
    2 * (audio + visual) * config.embedDim * D + depth * block(Na + Nv, D) + 2 * D * (Na * out.audio + Nv * out.visual)
  );
}

/**
 * One clip's pretraining step: forward of every view, decoder and predictor too, and twice that for the gradients.
 *
 * @param contrast of a view that the contrast has for itself
 */
export function pretrainFlops(config: ModelConfig, views: number, ratio: number | Ratio, contrast?: Ratio): number {
  const { embedDim, decoderDim, decoderDepth, audio, visual, predictor } = config;
  const hidden = typeof ratio === "number" ? { audio: ratio, visual: ratio } : ratio;
  const patches = { audio: patchLength(audio), visual: patchLength(visual) };
  const decode = fillInFlops(config, hidden, { dim: decoderDim, depth: decoderDepth, out: patches });
  const predict =
    predictor === undefined
      ? 0
      : fillInFlops(config, hidden, { ...predictor, out: { audio: embedDim, visual: embedDim } });
  const apart = contrast === undefined ? 0 : encodeViewFlops(config, contrast);
  return 3 * (views * (encodeViewFlops(config, hidden) + decode + predict) + apart);
}
