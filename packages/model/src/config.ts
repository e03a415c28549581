import { audioGrid, countPatches, KdcError, type PatchGrid, type Stream, visualGrid } from "@kdc-mae/core";

/** Sizes of a model. Plain data: spread a preset and change a field, then {@link checkConfig} it. */
export type ModelConfig = {
  /** D of the encoder; a multiple of `heads` and of 4. */
  readonly embedDim: number;
  readonly heads: number;
  /** Blocks in the audio branch, and as many in the visual branch. */
  readonly modalityDepth: number;
  /** Blocks shared by the three streams. */
  readonly jointDepth: number;
  /** D of the decoder; a multiple of `decoderHeads` and of 4. */
  readonly decoderDim: number;
  readonly decoderHeads: number;
  readonly decoderDepth: number;
  readonly audio: PatchGrid;
  readonly visual: PatchGrid;
  readonly layerNormEpsilon: number;
  /** `fixed`: 2-D sine-cosine tables. `learned`: parameters that start at those tables. */
  readonly positions: "fixed" | "learned";
  /**
   * One number per head of the encoder: how much a visual token's attention to another falls with their squared
   * distance in patches, in the visual branch and in the joint block's visual pass. Left out: all are equally near, as
   * in the paper. For small sets, where it keeps what a token stands for close to where it is.
   */
  readonly visualLocality?: readonly number[];
  /**
   * One more token per modality, first in its branch, with no position and no modality token; it takes part in the
   * modality's own pass of the joint blocks, not in the joint pass (CAV-MAE Sync, Araujo et al. 2025).
   */
  readonly globalToken?: boolean;
  /** Tokens per modality at the end of its branch that carry no patch and are dropped before the joint blocks. */
  readonly registers?: number;
  /** Blocks per modality after its pass of the joint blocks; the joint pass has none. */
  readonly contrastHeads?: number;
  /**
   * A network per modality that gives every patch its probability to be seen, for adaptive masking. `heads` divides
   * `embedDim`; `temperature` divides its scores, 1 unless given.
   */
  readonly sampler?: { readonly heads: number; readonly temperature?: number };
  /**
   * A narrow transformer that predicts a teacher's tokens at every patch from the joint tokens of those that are seen,
   * for latent prediction. `dim` is a multiple of `heads` and of 4.
   */
  readonly predictor?: { readonly dim: number; readonly heads: number; readonly depth: number };
  /** What is left of the encoder's blocks, where heads and MLP units were taken out of them: one entry per block. */
  readonly pruned?: Pruned;
};

/** What is left of a block: which of the model's heads, and how many of its 4·D units. */
export type KeptOfBlock = { readonly heads: readonly number[]; readonly units: number };

/** What is left of every block of both branches and of the joint stack. */
export type Pruned = Readonly<Record<Stream, readonly KeptOfBlock[]>>;

const common = { layerNormEpsilon: 1e-5, positions: "fixed" } as const;
const paperClip = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) } as const;

/**
 * Ready sizes. `base` is the paper's (ViT-B), `small` sees the same clips, `tiny` is for demos on a processor.
 *
 * @example
 * ```ts
 * import { countPatches } from "@kdc-mae/core";
 * import { presets } from "@kdc-mae/model";
 *
 * const { audio, visual, embedDim } = presets.base;
 * console.log(countPatches(audio), countPatches(visual), embedDim); // 512 196 768
 * ```
 */
export const presets: Readonly<Record<"tiny" | "small" | "base", ModelConfig>> = {
  tiny: {
    ...common,
    embedDim: 64,
    heads: 4,
    modalityDepth: 2,
    jointDepth: 1,
    decoderDim: 32,
    decoderHeads: 2,
    decoderDepth: 1,
    audio: audioGrid(192, 64, 16),
    visual: visualGrid(64, 8),
  },
  small: {
    ...common,
    ...paperClip,
    embedDim: 384,
    heads: 6,
    modalityDepth: 7,
    jointDepth: 1,
    decoderDim: 256,
    decoderHeads: 8,
    decoderDepth: 4,
  },
  base: {
    ...common,
    ...paperClip,
    embedDim: 768,
    heads: 12,
    modalityDepth: 11,
    jointDepth: 1,
    decoderDim: 512,
    decoderHeads: 16,
    decoderDepth: 8,
  },
};

/** Bounds far beyond any model, so that a file that claims more is refused before anything is made for it. */
const largest = {
  ...{ embedDim: 65_536, heads: 1024, modalityDepth: 1000, jointDepth: 1000 },
  ...{ decoderDim: 65_536, decoderHeads: 1024, decoderDepth: 1000, grid: 65_536 },
} as const;

/**
 * Returns the config if a model can be built from it.
 *
 * @throws KdcError naming every field that cannot be
 *
 * @example
 * ```ts
 * import { checkConfig, presets } from "@kdc-mae/model";
 *
 * const config = checkConfig({ ...presets.tiny, jointDepth: 2 });
 * ```
 */
export function checkConfig(config: ModelConfig): ModelConfig {
  const problems: string[] = [];
  const whole = (name: string, value: number, least: number, most: number = largest.grid) => {
    if (!Number.isInteger(value) || value < least) problems.push(`${name} is ${value}, not a whole number ≥ ${least}`);
    else if (value > most) problems.push(`${name} is ${value}, and ${most} is the most that is built`);
  };
  const width = (name: string, dim: number, heads: number) => {
    if (dim % heads !== 0) problems.push(`${name} ${dim} does not divide into ${heads} heads`);
    if (dim % 4 !== 0) problems.push(`${name} ${dim} is not a multiple of 4, which 2-D sine-cosine positions need`);
  };
  const sizes = ["embedDim", "heads", "jointDepth", "decoderDim", "decoderHeads", "decoderDepth"] as const;
  for (const name of sizes) whole(name, config[name], 1, largest[name]);
  whole("modalityDepth", config.modalityDepth, 0, largest.modalityDepth);
  width("embedDim", config.embedDim, config.heads);
  width("decoderDim", config.decoderDim, config.decoderHeads);
  for (const modality of ["audio", "visual"] as const) {
    const grid = config[modality];
    for (const name of ["rows", "columns", "patch", "channels"] as const)
      whole(`${modality}.${name}`, grid[name], 1, largest.grid);
    if (countPatches(grid) < 2) problems.push(`${modality} has fewer than 2 patches, so nothing can be hidden`);
  }
  if (!(config.layerNormEpsilon > 0)) problems.push(`layerNormEpsilon is ${config.layerNormEpsilon}, not above 0`);
  if (!["fixed", "learned"].includes(config.positions)) {
    problems.push(`positions is ${JSON.stringify(config.positions)}, not "fixed" or "learned"`);
  }
  if (config.sampler !== undefined) {
    const { heads, temperature = 1 } = config.sampler;
    whole("sampler.heads", heads, 1);
    width("embedDim", config.embedDim, heads);
    if (!(temperature > 0)) problems.push(`sampler.temperature is ${temperature}, not above 0`);
  }
  if (config.predictor !== undefined) {
    const { dim, heads, depth } = config.predictor;
    whole("predictor.dim", dim, 1, largest.decoderDim);
    whole("predictor.heads", heads, 1, largest.decoderHeads);
    whole("predictor.depth", depth, 1, largest.decoderDepth);
    width("predictor.dim", dim, heads);
  }
  whole("registers", config.registers ?? 0, 0);
  whole("contrastHeads", config.contrastHeads ?? 0, 0);
  const { visualLocality = [] } = config;
  if (config.visualLocality !== undefined && visualLocality.length !== config.heads) {
    problems.push(`visualLocality has ${visualLocality.length} numbers for ${config.heads} heads`);
  }
  if (!visualLocality.every((penalty) => penalty >= 0 && Number.isFinite(penalty))) {
    problems.push(`visualLocality is [${visualLocality.join(", ")}], not numbers of 0 or more`);
  }
  problems.push(...prunedProblems(config));
  if (problems.length === 0) return config;
  throw new KdcError({
    where: "model config",
    what: problems.join("; "),
    remedy: "Start from presets.tiny, presets.small or presets.base and change one field at a time",
    reason: "config",
  });
}

/** Blocks of each stack. */
const depthOf = ({ modalityDepth, jointDepth }: ModelConfig): Readonly<Record<Stream, number>> => ({
  ...{ audio: modalityDepth, visual: modalityDepth, joint: jointDepth },
});

/** What is wrong with what is said to be left of the blocks. */
function prunedProblems(config: ModelConfig): string[] {
  const { pruned, heads, embedDim } = config;
  if (pruned === undefined) return [];
  return Object.entries(depthOf(config)).flatMap(([stack, depth]) => {
    const blocks = pruned[stack as Stream] ?? [];
    if (blocks.length !== depth) return [`pruned.${stack} has ${blocks.length} entries for ${depth} blocks`];
    return blocks.flatMap(({ heads: kept, units }, at) => {
      const rising = kept.every(
        (head, place) => Number.isInteger(head) && head >= 0 && head < heads && !(head <= kept[place - 1]),
      );
      const own = `pruned.${stack}.${at}`;
      return [
        ...(kept.length > 0 && rising
          ? []
          : [`${own}.heads is [${kept.join(", ")}], not some of 0 to ${heads - 1} in order`]),
        ...(Number.isInteger(units) && units >= 1 && units <= 4 * embedDim
          ? []
          : [`${own}.units is ${units}, not a whole number from 1 to ${4 * embedDim}`]),
      ];
    });
  });
}
