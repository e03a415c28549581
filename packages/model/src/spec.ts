import { countPatches, type PatchGrid, patchLength, type Stream } from "@kdc-mae/core";
import { checkConfig, type ModelConfig } from "./config.js";
import type { Block, BlockNorms } from "./nn/block.js";
import type { Norm } from "./nn/layer-norm.js";
import type { Linear } from "./nn/linear.js";
import type {
  Branch,
  ClassifierParams,
  DecoderBranch,
  DecoderParams,
  EncoderParams,
  ModelParams,
  SamplerParams,
} from "./params.js";

/** How a parameter starts. `patch-bias`: uniform ±1/√P, PyTorch's default for a convolution. `positions`: sine-cosine.
 * `registers`: N(0, 1), as the official class draws them. */
export type Initial = "xavier" | "zeros" | "ones" | "token" | "patch-bias" | "positions" | "registers";

/** Everything known about one parameter without its numbers. */
export type ParameterSpec = {
  readonly shape: readonly number[];
  readonly initial: Initial;
  /** Its name in the official PyTorch code. */
  readonly official: string;
  /** The grid it belongs to: patch projections (stored as convolutions) and positions have one. */
  readonly grid?: PatchGrid;
};

type Spec = ParameterSpec;

const linear = (official: string, width: number, out: number): Linear<Spec> => ({
  weight: { shape: [out, width], initial: "xavier", official: `${official}.weight` },
  bias: { shape: [out], initial: "zeros", official: `${official}.bias` },
});

const norm = (official: string, dim: number): Norm<Spec> => ({
  gain: { shape: [dim], initial: "ones", official: `${official}.weight` },
  bias: { shape: [dim], initial: "zeros", official: `${official}.bias` },
});

const token = (official: string, dim: number): Spec => ({ shape: [1, 1, dim], initial: "token", official });

const positions = (official: string, grid: PatchGrid, dim: number): Spec => ({
  shape: [1, countPatches(grid), dim],
  initial: "positions",
  official,
  grid,
});

const norms = (official: string, dim: number, suffix = ""): BlockNorms<Spec> => ({
  attentionNorm: norm(`${official}.norm1${suffix}`, dim),
  mlpNorm: norm(`${official}.norm2${suffix}`, dim),
});

/** `attended` channels of all heads together, and units: D and 4·D where nothing was taken out. */
type LayerSizes = { readonly attended: number; readonly units: number };

const layers = (
  official: string,
  dim: number,
  { attended, units }: LayerSizes = { attended: dim, units: 4 * dim },
): Pick<Block<Spec>, "attention" | "mlp"> => ({
  attention: {
    qkv: linear(`${official}.attn.qkv`, dim, 3 * attended),
    projection: linear(`${official}.attn.proj`, attended, dim),
  },
  mlp: { expand: linear(`${official}.mlp.fc1`, dim, units), contract: linear(`${official}.mlp.fc2`, units, dim) },
});

/** What is left of one block of the encoder; undefined where nothing was taken out of the model. */
function sizesOf({ pruned, embedDim, heads }: ModelConfig, stream: Stream, at: number): LayerSizes | undefined {
  const kept = pruned?.[stream][at];
  return kept && { attended: (kept.heads.length * embedDim) / heads, units: kept.units };
}

const stack = <T>(depth: number, official: string, make: (official: string, at: number) => T): T[] =>
  Array.from({ length: depth }, (_, index) => make(`${official}.${index}`, index));

const plainBlocks = (
  depth: number,
  official: string,
  dim: number,
  sizes: (at: number) => LayerSizes | undefined = () => undefined,
): Block<Spec>[] => stack(depth, official, (name, at) => ({ ...norms(name, dim), ...layers(name, dim, sizes(at)) }));

/** Something under a key where there is any, else nothing. */
const where = <K extends string, T>(there: boolean, key: K, make: () => T): { readonly [key in K]?: T } =>
  there ? ({ [key]: make() } as { readonly [key in K]: T }) : {};

const learned = (config: ModelConfig, spec: Spec): { positions?: Spec } =>
  config.positions === "learned" ? { positions: spec } : {};

function branch(config: ModelConfig, letter: "a" | "v", grid: PatchGrid): Branch<Spec> {
  const { embedDim: dim, contrastHeads: heads = 0 } = config;
  const projection = `patch_embed_${letter}.proj`;
  return {
    patch: {
      weight: { shape: [dim, patchLength(grid)], initial: "xavier", official: `${projection}.weight`, grid },
      bias: { shape: [dim], initial: "patch-bias", official: `${projection}.bias`, grid },
    },
    modality: token(`modality_${letter}`, dim),
    ...learned(config, positions(`pos_embed_${letter}`, grid, dim)),
    ...where(config.globalToken === true, "global", () => token(`cls_token_${letter}`, dim)),
    blocks: plainBlocks(config.modalityDepth, `blocks_${letter}`, dim, (at) =>
      sizesOf(config, letter === "a" ? "audio" : "visual", at),
    ),
    // The official code spells them so.
    ...where(heads > 0, "heads", () =>
      plainBlocks(heads, `constrative_head_${letter === "a" ? "audio" : "visual"}`, dim),
    ),
  };
}

/** What the encoder's parameters are. */
export function encoderSpec(config: ModelConfig): EncoderParams<ParameterSpec> {
  const { embedDim: dim, registers = 0 } = checkConfig(config);
  return {
    audio: branch(config, "a", config.audio),
    visual: branch(config, "v", config.visual),
    ...where(registers > 0, "registers", (): Spec => {
      return { shape: [2 * registers, dim], initial: "registers", official: "register_tokens" };
    }),
    joint: {
      blocks: stack(config.jointDepth, "blocks_u", (name, at) => ({
        norms: { joint: norms(name, dim), audio: norms(name, dim, "_a"), visual: norms(name, dim, "_v") },
        ...layers(name, dim, sizesOf(config, "joint", at)),
      })),
      norms: { joint: norm("norm", dim), audio: norm("norm_a", dim), visual: norm("norm_v", dim) },
    },
  };
}

/** A stack that fills in from what is seen: how it is called, its width and depth, and what it gives for a patch. */
type FillIn = {
  readonly name: string;
  readonly mask: string;
  readonly dim: number;
  readonly depth: number;
  readonly out: (grid: PatchGrid) => number;
};

function fillInSpec(config: ModelConfig, { name, mask, dim, depth, out }: FillIn): DecoderParams<Spec> {
  const modality = (letter: "a" | "v", grid: PatchGrid): DecoderBranch<Spec> => ({
    modality: token(`${name}_modality_${letter}`, dim),
    ...learned(config, positions(`${name}_pos_embed_${letter}`, grid, dim)),
    head: linear(`${name}_pred_${letter}`, dim, out(grid)),
  });
  return {
    embed: linear(`${name}_embed`, config.embedDim, dim),
    mask: token(mask, dim),
    audio: modality("a", config.audio),
    visual: modality("v", config.visual),
    blocks: plainBlocks(depth, `${name}_blocks`, dim),
    norm: norm(`${name}_norm`, dim),
  };
}

const decoderSpec = (config: ModelConfig): DecoderParams<Spec> =>
  fillInSpec(config, {
    ...{ name: "decoder", mask: "mask_token", dim: config.decoderDim, depth: config.decoderDepth },
    out: patchLength,
  });

/** No official code has it: what a decoder is, for tokens in place of patches. */
const predictorSpec = (config: ModelConfig, { dim, depth }: NonNullable<ModelConfig["predictor"]>) =>
  fillInSpec(config, { name: "predictor", mask: "predictor_mask_token", dim, depth, out: () => config.embedDim });

/** As the KDC-MAE code's sampling network, which has no bias in its queries, keys and values. */
function samplerSpec(config: ModelConfig): SamplerParams<Spec> {
  const { embedDim: dim } = config;
  const branch = (letter: "a" | "v", grid: PatchGrid) => {
    const name = `sampler_${letter}`;
    const [made] = plainBlocks(1, `${name}.blocks`, dim);
    const { qkv, projection } = made.attention;
    return {
      positions: positions(`${name}.pos_embed`, grid, dim),
      block: { ...made, attention: { qkv: { weight: qkv.weight }, projection } },
      score: linear(`${name}.score`, dim, 1),
    };
  };
  return { audio: branch("a", config.audio), visual: branch("v", config.visual) };
}

/** What the pretraining model's parameters are. */
export const modelSpec = (config: ModelConfig): ModelParams<ParameterSpec> => ({
  encoder: encoderSpec(config),
  decoder: decoderSpec(config),
  ...where(config.sampler !== undefined, "sampler", () => samplerSpec(config)),
  ...(config.predictor === undefined ? {} : { predictor: predictorSpec(config, config.predictor) }),
});

/** What a fine-tuned classifier's parameters are. */
export const classifierSpec = (config: ModelConfig, classes: number): ClassifierParams<ParameterSpec> => ({
  encoder: encoderSpec(config),
  head: { norm: norm("mlp_head.0", config.embedDim), linear: linear("mlp_head.1", config.embedDim, classes) },
});
