import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { audioGrid, type HostTensor, KdcError, visualGrid } from "@kdc-mae/core";
import type { ModelConfig } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import { z } from "zod";

const count = z.number().int().positive();

const viewLosses = z.record(z.string(), z.number());

/** One pretraining case: its loss, the flags it was made with, and the losses of each view as `view0`, `view1` … */
const referenceCase = z
  .looseObject({
    loss: z.number(),
    flags: z.record(z.string(), z.unknown()).default({}),
    note: z.string().default(""),
    weighted_kd_per_sample: z.array(z.number()).optional(),
  })
  .transform(({ loss, flags, note, weighted_kd_per_sample: distillation, ...rest }) => ({
    loss,
    flags,
    note,
    distillation,
    views: Object.keys(rest)
      .filter((key) => /^view\d+$/.test(key))
      .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
      .map((key) => viewLosses.parse(rest[key])),
  }));

const indexSchema = z.looseObject({
  config: z.looseObject({
    embedDim: count,
    heads: count,
    modalityDepth: z.number().int().nonnegative(),
    jointDepth: count,
    decoderDim: count,
    decoderHeads: count,
    decoderDepth: count,
    frames: count,
    melBins: count,
    imageSize: count,
    patch: count,
    maskRatio: z.number().gt(0).lt(1),
    layerNormEps: z.number().positive(),
  }),
  cases: z.record(z.string(), referenceCase),
  adam_curve: z.array(z.number()).default([]),
  finetune_losses: z.record(z.string(), z.number()).default({}),
});

/** What `index.json` says. */
export type ReferenceIndex = z.output<typeof indexSchema>;
export type ReferenceCase = ReferenceIndex["cases"][string];
export type Tensors = Readonly<Record<string, HostTensor>>;

/** A folder of reference numbers. */
export type ReferenceFolder = {
  readonly path: string;
  readonly index: ReferenceIndex;
  readonly config: ModelConfig;
  /** The tensors of `name.safetensors`. */
  tensors(name: string): Promise<Tensors>;
  has(name: string): boolean;
};

function configOf({ config }: ReferenceIndex): ModelConfig {
  const { frames, melBins, imageSize, patch, layerNormEps, ...sizes } = config;
  return {
    embedDim: sizes.embedDim,
    heads: sizes.heads,
    modalityDepth: sizes.modalityDepth,
    jointDepth: sizes.jointDepth,
    decoderDim: sizes.decoderDim,
    decoderHeads: sizes.decoderHeads,
    decoderDepth: sizes.decoderDepth,
    layerNormEpsilon: layerNormEps,
    positions: "fixed",
    audio: audioGrid(frames, melBins, patch),
    visual: visualGrid(imageSize, patch),
  };
}

/**
 * Opens a folder of reference numbers, laid out as `fixtures/seed0`.
 *
 * @throws KdcError when there is no readable `index.json`
 */
export async function openReferenceFolder(path: string): Promise<ReferenceFolder> {
  const refuse = (what: string, cause?: unknown): never => {
    const remedy = "Give a folder laid out as fixtures/seed0 (see its README)";
    throw new KdcError({ where: `reference folder ${path}`, what, remedy, reason: "reference-folder", cause });
  };
  let text: unknown;
  try {
    text = JSON.parse(await readFile(join(path, "index.json"), "utf8"));
  } catch (cause) {
    return refuse(`index.json cannot be read: ${(cause as Error).message}`, cause);
  }
  const parsed = indexSchema.safeParse(text);
  if (!parsed.success) return refuse(`index.json is not as expected: ${z.prettifyError(parsed.error)}`);
  const file = (name: string) => join(path, `${name}.safetensors`);
  return {
    path,
    index: parsed.data,
    config: configOf(parsed.data),
    tensors: async (name) => (await readCheckpoint(file(name))).tensors,
    has: (name) => existsSync(file(name)),
  };
}
