import { type FloatTensor, type HostTensor, KdcError } from "@kdc-mae/core";
import { checkConfig, type ModelConfig, presets } from "../config.js";
import { withoutPrefix } from "./load.js";
import { isSineCosine } from "./positions.js";
import { storedSizes } from "./sizes.js";

/** What an official checkpoint's tensors do not say of its size; the method's constants unless given. */
export type OfficialChoices = {
  /** Attention heads of the encoder; 64 channels each unless given. */
  readonly heads?: number;
  /** Attention heads of the decoder; 32 channels each unless given. */
  readonly decoderHeads?: number;
  /** Rows of a spectrogram before patches; 128 unless given. */
  readonly melBins?: number;
  /** Whether its class tokens per modality are global tokens (CAV-MAE Sync); told by their names unless given. */
  readonly globalToken?: boolean;
};

/** What an official checkpoint is, read from its tensors. */
export type OfficialModel = {
  readonly config: ModelConfig;
  /** Classes of its head, where it is a fine-tuned classifier. */
  readonly classes?: number;
};

/** As in the official classes: `embed_dim=768, num_heads=12`, and in the decoder 512 and 16. */
const channelsPerHead = { encoder: 64, decoder: 32 } as const;
const melBinsOfMethod = 128;

function refuse(what: string, remedy: string): never {
  throw new KdcError({ where: "official checkpoint", what, remedy, reason: "bad-checkpoint" });
}

/** Why a file of another kind is none of these models. */
function expectTwoBranches(stored: ReadonlyMap<string, HostTensor>): void {
  if (stored.has("patch_embed_a.proj.weight") && stored.has("patch_embed_v.proj.weight")) return;
  if (stored.has("patch_embed.proj.weight") && stored.has("cls_token")) {
    refuse(
      "it is an image MAE (He et al. 2022): it has one branch for pictures, and nothing in it has heard a sound",
      "Start from it and train: kdc-mae pretrain EXPERIMENT --init, or kdc-mae finetune EXPERIMENT --init",
    );
  }
  const names = [...stored.keys()];
  refuse(
    `it has no audio and visual branch (no patch_embed_a, patch_embed_v among its ${names.length} tensors: ${names.slice(0, 4).join(", ")} …)`,
    "Give a checkpoint of CAV-MAE or KDC-MAE, pretrained or fine-tuned",
  );
}

function wholeHeads(what: string, channels: number, perHead: number, given: number | undefined, key: string): number {
  const heads = given ?? channels / perHead;
  if (Number.isInteger(heads) && heads > 0) return heads;
  return refuse(
    `its ${what} has ${channels} channels, which do not divide into heads of ${perHead}`,
    `Say how many: ${key}`,
  );
}

/** Positions of a table `[1, N, D]`. */
const positionsIn = (stored: ReadonlyMap<string, HostTensor>, name: string): number =>
  stored.get(name)?.shape[1] ?? refuse(`it has no ${name}`, "Give a checkpoint that was saved whole");

/**
 * What an official CAV-MAE, CAV-MAE Sync or KDC-MAE checkpoint is. Widths, depths, extra tokens, patches and lengths stand in its tensors; heads and
 * mel bins are the method's unless given; positions are learned where the tables are no sine-cosine ones.
 *
 * @param tensors under official names, with or without `module.` and the like
 * @throws KdcError (`bad-checkpoint`) saying why a file is none: an image MAE, other names, sizes that do not fit
 */
export function officialModel(
  tensors: Readonly<Record<string, HostTensor>>,
  choices: OfficialChoices = {},
): OfficialModel {
  const stored = withoutPrefix(tensors);
  expectTwoBranches(stored);
  const { embedDim = 0, modalityDepth = 0, jointDepth = 0, ...sizes } = storedSizes(stored);
  expectWholeBlocks(stored, embedDim);
  const { registers, contrastHeads } = sizes;
  const globalToken = choices.globalToken ?? hasGlobalTokens(stored);
  const { decoderDim = presets.base.decoderDim, decoderDepth = presets.base.decoderDepth } = sizes;
  const patch = { audio: sizes["audio.patch"] ?? 0, visual: sizes["visual.patch"] ?? 0 };
  const rows = (choices.melBins ?? melBinsOfMethod) / patch.audio;
  const columns = positionsIn(stored, "pos_embed_a") / rows;
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    refuse(
      `its ${positionsIn(stored, "pos_embed_a")} sound patches of ${patch.audio} × ${patch.audio} do not make a whole spectrogram of ${rows * patch.audio} mel bins`,
      "Say how many mel bins it was trained with: melBins (--assume mel-bins=128)",
    );
  }
  const side = Math.sqrt(positionsIn(stored, "pos_embed_v"));
  if (!Number.isInteger(side))
    refuse(`its ${side * side} picture patches do not make a square`, "Pictures are cut square");
  const fixed: ModelConfig = {
    ...presets.base,
    ...{ embedDim, modalityDepth, jointDepth, decoderDim, decoderDepth, positions: "fixed" },
    ...(globalToken ? { globalToken } : {}),
    ...(registers === undefined ? {} : { registers }),
    ...(contrastHeads === undefined ? {} : { contrastHeads }),
    heads: wholeHeads("encoder", embedDim, channelsPerHead.encoder, choices.heads, "heads (--assume heads=12)"),
    decoderHeads: wholeHeads(
      ...(["decoder", decoderDim, channelsPerHead.decoder, choices.decoderHeads] as const),
      "decoderHeads (--assume decoder-heads=16)",
    ),
    audio: { rows, columns, patch: patch.audio, channels: sizes["audio.channels"] ?? 1 },
    visual: { rows: side, columns: side, patch: patch.visual, channels: sizes["visual.channels"] ?? 3 },
  };
  const config = checkConfig({ ...fixed, positions: learnsPositions(fixed, stored) ? "learned" : "fixed" });
  const head = stored.get("mlp_head.1.weight");
  return head === undefined ? { config } : { config, classes: head.shape[0] };
}

/** @throws KdcError for an encoder that heads or units were taken out of: which are left, its tensors do not say */
function expectWholeBlocks(stored: ReadonlyMap<string, HostTensor>, embedDim: number): void {
  const whole = { qkv: 3 * embedDim, fc1: 4 * embedDim };
  for (const [name, { shape }] of stored) {
    const [, layer] = /^blocks_[avu]\.\d+\.(?:attn|mlp)\.(qkv|fc1)\.weight$/.exec(name) ?? [];
    if (layer === undefined || shape[1] !== embedDim || shape[0] >= whole[layer as keyof typeof whole]) continue;
    refuse(
      `${name} has ${shape[0]} rows of ${whole[layer as keyof typeof whole]}: heads or units were taken out of this model, and which are left is not said`,
      "Give the pruned file as kdc-mae wrote it, whose metadata say it",
    );
  }
}

/**
 * CAV-MAE Sync has a class token per modality. The script that starts CAV-MAE from an image MAE leaves such names, too,
 * and one for both together beside them: nothing reads those.
 */
const hasGlobalTokens = (stored: ReadonlyMap<string, HostTensor>): boolean =>
  stored.has("cls_token_a") && stored.has("cls_token_v") && !stored.has("cls_token_av");

/** Fine-tuned official models learn their positions; pretrained ones keep the sine-cosine tables. */
function learnsPositions({ audio, visual }: ModelConfig, stored: ReadonlyMap<string, HostTensor>): boolean {
  return [...stored].some(([name, table]) => {
    if (!/^(decoder_)?pos_embed_[av]$/.test(name) || table.dtype !== "float32") return false;
    return !isSineCosine(table as FloatTensor, name.endsWith("_a") ? audio : visual);
  });
}
