import { type FloatTensor, float32, type HostTensor, KdcError, patchLength, type Rng, sizeOf } from "@kdc-mae/core";
import type { ModelConfig } from "../config.js";
import { initModel } from "../init.js";
import type { ModelParams } from "../params.js";
import { expectSize, type Loaded, type LoadOptions, loadModel, withoutPrefix } from "./load.js";
import { stateDict } from "./state-dict.js";

type Named = [name: string, tensor: FloatTensor];

/** `[D, C, h, w]` → `[D, 1, h, w]`: a spectrogram seen as the same grey in every colour. */
function sumOverColours({ shape, data }: FloatTensor): FloatTensor {
  const [D, C, height, width] = shape;
  const area = height * width;
  const out = float32([D, 1, height, width]);
  for (let i = 0; i < D * C * area; i++) out.data[Math.floor(i / (C * area)) * area + (i % area)] += data[i];
  return out;
}

function firstRows({ shape, data }: FloatTensor, rows: number): FloatTensor {
  const rest = shape.slice(1);
  return float32([rows, ...rest], data.slice(0, rows * sizeOf(rest)));
}

/** `[1, 1 + N, D]` → `[1, N, D]`. */
const withoutClass = ({ shape: [, N, D], data }: FloatTensor): FloatTensor => float32([1, N - 1, D], data.slice(D));

/** One block: to both branches, or to the joint stack with its norms copied for every stream. */
function blockNames(config: ModelConfig, index: number, rest: string): string[] {
  if (index < config.modalityDepth) return [`blocks_a.${index}.${rest}`, `blocks_v.${index}.${rest}`];
  const [layer, field] = rest.split(".");
  const layers = /^norm[12]$/.test(layer) ? [layer, `${layer}_a`, `${layer}_v`].map((n) => `${n}.${field}`) : [rest];
  return layers.map((layer) => `blocks_u.${index - config.modalityDepth}.${layer}`);
}

/** What one tensor of an ImageNet MAE becomes, under official names; nothing where it has no place here. */
function translate(config: ModelConfig, name: string, tensor: FloatTensor): Named[] {
  const [, index, rest] = /^blocks\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (rest !== undefined) return blockNames(config, Number(index), rest).map((target) => [target, tensor]);
  const field = name.split(".").at(-1)!;
  const rows = patchLength(config.audio);
  switch (name) {
    case "cls_token":
      return [];
    case "pos_embed":
      return [["pos_embed_v", withoutClass(tensor)]];
    case "decoder_pos_embed":
      return [["decoder_pos_embed_v", withoutClass(tensor)]];
    case "patch_embed.proj.weight":
      return [
        ["patch_embed_a.proj.weight", sumOverColours(tensor)],
        ["patch_embed_v.proj.weight", tensor],
      ];
    case "patch_embed.proj.bias":
      return ["a", "v"].map((letter) => [`patch_embed_${letter}.proj.bias`, tensor]);
    case "norm.weight":
    case "norm.bias":
      return ["norm", "norm_a", "norm_v"].map((norm) => [`${norm}.${field}`, tensor]);
    case "decoder_pred.weight":
    case "decoder_pred.bias":
      return [
        [`decoder_pred_a.${field}`, firstRows(tensor, rows)],
        [`decoder_pred_v.${field}`, tensor],
      ];
    default:
      // Names both models share (decoder_embed, mask_token, decoder_blocks, decoder_norm); others are refused by loadModel.
      return [[name, tensor]];
  }
}

/** The shapes {@link translate} takes apart, as patterns of axes. */
const rank: Readonly<Record<string, number>> = { pos_embed: 3, decoder_pos_embed: 3, "patch_embed.proj.weight": 4 };

function floatOf(name: string, tensor: HostTensor): FloatTensor {
  if (tensor.dtype === "float32" && (rank[name] ?? tensor.shape.length) === tensor.shape.length) return tensor;
  throw new KdcError({
    where: "loadImageMae",
    what: `${name} is ${tensor.dtype} [${tensor.shape.join(", ")}]`,
    remedy: "Give an image MAE checkpoint (facebookresearch/mae), such as mae_pretrain_vit_base_full.pth",
    reason: "bad-checkpoint",
  });
}

/**
 * Starts a model from an ImageNet MAE (He et al. 2022), as CAV-MAE does: the first `modalityDepth` blocks go to both
 * branches, the rest to the joint stack with their norms copied for every stream; the audio patch projection is the
 * sum over colours, the audio head the first rows of the picture head; the class token is dropped. What such a file
 * does not have (modality tokens; the decoder, in encoder-only files) starts fresh.
 *
 * @param tensors `mae_pretrain_vit_base_full.pth` or, without a decoder, `mae_pretrain_vit_base.pth`
 * @throws KdcError listing every missing, mis-shaped or unknown name
 */
export function loadImageMae(
  config: ModelConfig,
  tensors: Readonly<Record<string, HostTensor>>,
  rng: Rng,
  options: LoadOptions = {},
): Loaded<ModelParams<FloatTensor>> {
  const source = withoutPrefix(tensors);
  const hasDecoder = source.has("decoder_embed.weight");
  const translated = [...source].flatMap(([name, tensor]) => translate(config, name, floatOf(name, tensor)));
  expectSize(config, new Map(translated));
  const fresh = Object.entries(stateDict(config, initModel(config, rng))).filter(
    ([name]) =>
      /^(decoder_)?(modality|pos_embed)_[av]$/.test(name) || (!hasDecoder && /^(decoder_|mask_token$)/.test(name)),
  );
  const loaded = loadModel(config, Object.fromEntries([...fresh, ...translated]), options);
  const note = hasDecoder ? "modality tokens start fresh" : "modality tokens and the whole decoder start fresh";
  return { ...loaded, unused: {}, notes: [...loaded.notes, note] };
}
