import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { audioGrid, type HostTensor, KdcError, visualGrid } from "@kdc-mae/core";
import { fileError } from "@kdc-mae/core/node";
import type { ModelConfig } from "@kdc-mae/model";
import { readCheckpoint } from "@kdc-mae/model/node";
import { z } from "zod";

const count = z.number().int().positive();

const viewLosses = z.record(z.string(), z.number());

/** What a case of one view may say of it beside its loss, as the official code names it. */
const partNames = ["mae", "mae_audio", "mae_visual", "weighted_contrastive", "contrastive_accuracy"] as const;

/**
 * One pretraining case: its loss, the flags it was made with, and the losses of each view as `view0`, `view1` … or, of
 * the only view, beside its loss.
 */
const referenceCase = z
  .looseObject({
    loss: z.number(),
    flags: z.record(z.string(), z.unknown()).default({}),
    note: z.string().default(""),
    weighted_kd_per_sample: z.array(z.number()).optional(),
  })
  .transform(({ loss, flags, note, weighted_kd_per_sample: distillation, ...rest }) => {
    const named = Object.keys(rest)
      .filter((key) => /^view\d+$/.test(key))
      .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
      .map((key) => viewLosses.parse(rest[key]));
    const only = Object.fromEntries(partNames.flatMap((name) => (name in rest ? [[name, rest[name]]] : [])));
    return { loss, flags, note, distillation, views: named.length > 0 ? named : [viewLosses.parse(only)] };
  });

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
  /** What a case's file holds; the outputs of an only view under `view0.` too. */
  caseTensors(name: string): Promise<Tensors>;
  /** The weights of a case: its own `name.weights.safetensors`, or the folder's. */
  weights(name: string): Promise<Tensors>;
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

/** Outputs by view: those of an only view are named without it. */
function ofViews(tensors: Tensors): Tensors {
  if (Object.keys(tensors).some((name) => name.startsWith("view"))) return tensors;
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const output = name.replace(/^global_audio$/, "globalAudio").replace(/^global_visual$/, "globalVisual");
      return [name.startsWith("grad.") ? name : `view0.${output}`, tensor];
    }),
  );
}

/**
 * Opens a folder of reference numbers, laid out as `fixtures/seed0` or `fixtures/sync0`.
 *
 * @throws KdcError when there is no readable `index.json`
 */
export async function openReferenceFolder(path: string): Promise<ReferenceFolder> {
  const refuse = (what: string, cause?: unknown): never => {
    const remedy = "Give a folder laid out as fixtures/seed0 or fixtures/sync0 (see their READMEs)";
    throw new KdcError({ where: `reference folder ${path}`, what, remedy, reason: "reference-folder", cause });
  };
  let text: unknown;
  try {
    text = JSON.parse(await readFile(join(path, "index.json"), "utf8"));
  } catch (cause) {
    const what = cause instanceof SyntaxError ? `it is no JSON: ${cause.message}` : fileError("read", path, cause).what;
    return refuse(`index.json: ${what}`, cause);
  }
  const parsed = indexSchema.safeParse(text);
  if (!parsed.success) return refuse(`index.json does not have the expected form: ${z.prettifyError(parsed.error)}`);
  const file = (name: string) => join(path, `${name}.safetensors`);
  const tensors = async (name: string): Promise<Tensors> => (await readCheckpoint(file(name))).tensors;
  const has = (name: string) => existsSync(file(name));
  return {
    path,
    index: parsed.data,
    config: configOf(parsed.data),
    tensors,
    has,
    caseTensors: async (name) => ofViews(await tensors(name)),
    weights: (name) => tensors(has(`${name}.weights`) ? `${name}.weights` : "weights"),
  };
}
