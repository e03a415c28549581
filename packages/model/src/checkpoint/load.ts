import {
  type FloatTensor,
  type HostTensor,
  KdcError,
  mapTree,
  type Tree,
  type TreeLike,
  treeLeaves,
} from "@kdc-mae/core";
import type { ModelConfig } from "../config.js";
import type { ClassifierParams, EncoderParams, ModelParams } from "../params.js";
import { classifierSpec, encoderSpec, modelSpec, type ParameterSpec } from "../spec.js";
import { fromStored, storedShape } from "./names.js";
import { type FitPositions, fitPositions } from "./positions.js";
import { differingSizes, storedSizes } from "./sizes.js";
import { isUnused } from "./unused.js";

type Tensors = Readonly<Record<string, HostTensor>>;

/** What a load gives. */
export type Loaded<Params> = {
  readonly params: Params;
  /** Tensors the file holds and the model has no use for, all known by name. `stateDict` can carry them along. */
  readonly unused: Tensors;
  /** What was changed on the way, in words to show a person. */
  readonly notes: readonly string[];
};

/** `positions`: what to do where the model's clips are longer or shorter than the checkpoint's; `trim` by default. */
export type LoadOptions = { readonly positions?: FitPositions };

/** What PyTorch's DataParallel, torch.compile and Lightning put before names; compiled parts have it inside, too. */
const bare = (name: string): string => name.replace(/(^|\.)_orig_mod\./g, "$1").replace(/^((module|model)\.)+/, "");

const positionTables = /^(decoder_)?pos_embed_[av]$/;

/** Names without the prefixes that PyTorch's wrappers add: `module.`, `_orig_mod.`, `model.`, in any order. */
export function withoutPrefix(tensors: Tensors): Map<string, HostTensor> {
  const plain = new Map<string, HostTensor>();
  for (const [name, tensor] of Object.entries(tensors)) {
    const short = bare(name);
    if (plain.has(short)) refuse({ "with and without module., _orig_mod. or model.": [short] });
    plain.set(short, tensor);
  }
  return plain;
}

function refuse(found: Readonly<Record<string, readonly string[]>>): never {
  const shown = 12;
  const parts = Object.entries(found)
    .filter(([, items]) => items.length > 0)
    .map(([kind, items]) => {
      const rest = items.length > shown ? ` and ${items.length - shown} more` : "";
      return `${items.length} ${kind}: ${items.slice(0, shown).join(", ")}${rest}`;
    });
  throw new KdcError({
    where: "load checkpoint",
    what: parts.join("; "),
    remedy: "Use the config the checkpoint was made with, or a checkpoint of this kind of model",
    reason: "bad-checkpoint",
  });
}

/**
 * Says in a line what a list of names would only hint at: a file of another size. Looked at before anything of the
 * config's size is made, since a config may come from the file itself and claim a thousand million blocks.
 */
export function expectSize(config: ModelConfig, stored: ReadonlyMap<string, HostTensor>): void {
  const differing = differingSizes(config, storedSizes(stored));
  if (differing.length === 0) return;
  throw new KdcError({
    where: "load checkpoint",
    what: `it is of another size than the model: ${differing.join("; ")}`,
    remedy: "Use the config the checkpoint was made with, or a checkpoint of the model's size",
    reason: "bad-checkpoint",
  });
}

/** Says in a line that a file is of another kind. */
function expectKind(stored: ReadonlyMap<string, HostTensor>, wanted: ReadonlyMap<string, unknown>): void {
  if ([...stored.keys()].some((name) => wanted.has(name))) return;
  const names = [...stored.keys()];
  throw new KdcError({
    where: "load checkpoint",
    what: `none of its ${names.length} tensors has a name that CAV-MAE and KDC-MAE use (${names.slice(0, 4).join(", ")} …)`,
    remedy: "Give a checkpoint of CAV-MAE or KDC-MAE",
    reason: "bad-checkpoint",
  });
}

/** Reads a whole tree or nothing: every name and shape is checked before a number is kept. */
function loadTree<Specs extends Tree<ParameterSpec>>(
  config: ModelConfig,
  specsOf: (config: ModelConfig) => Specs,
  tensors: Tensors,
  mayIgnore: (name: string) => boolean,
  { positions = "trim" }: LoadOptions,
): Loaded<TreeLike<Specs, FloatTensor>> {
  const stored = withoutPrefix(tensors);
  expectSize(config, new Map([...stored].filter(([name]) => !mayIgnore(name))));
  const specs = specsOf(config);
  const wanted = new Map(treeLeaves<ParameterSpec>(specs).map(([, spec]) => [spec.official, spec]));
  const ignored = (name: string) => mayIgnore(name) && !wanted.has(name);
  const misshaped: string[] = [];
  const notes: string[] = [];
  const tables = new Map<string, FloatTensor>();
  const unused: [string, HostTensor][] = [];
  const extra: string[] = [];

  for (const [name, tensor] of stored) {
    const spec = wanted.get(name);
    if (ignored(name)) {
      unused.push([name, tensor]);
    } else if (positionTables.test(name)) {
      const dim = name.startsWith("decoder") ? config.decoderDim : config.embedDim;
      const { table, problem, note } = fitPositions(config, name, tensor, dim, positions);
      if (problem !== undefined) misshaped.push(problem);
      if (note !== undefined) notes.push(note);
      if (table !== undefined) tables.set(name, table);
      else if (problem === undefined && note === undefined) unused.push([name, tensor]);
    } else if (spec === undefined) {
      extra.push(name);
    } else if (tensor.dtype !== "float32" || tensor.shape.join() !== storedShape(spec).join()) {
      const expected = `float32 [${storedShape(spec).join(", ")}]`;
      misshaped.push(`${name} is ${tensor.dtype} [${tensor.shape.join(", ")}], expected ${expected}`);
    }
  }
  const missing = [...wanted.keys()].filter((name) => !stored.has(name));
  if (missing.length + misshaped.length + extra.length > 0) {
    expectKind(new Map([...stored].filter(([name]) => !mayIgnore(name))), wanted);
    refuse({ missing, "of the wrong kind": misshaped, unknown: extra });
  }
  const params = mapTree(
    specs,
    (spec: ParameterSpec) => tables.get(spec.official) ?? fromStored(spec, stored.get(spec.official) as FloatTensor),
  );
  return { params, unused: Object.fromEntries(unused), notes };
}

/**
 * A pretraining model from tensors under official names (CAV-MAE or KDC-MAE, with or without `module.`, `_orig_mod.` or `model.`).
 *
 * @throws KdcError listing every missing, mis-shaped or unknown name
 *
 * @example
 * ```ts
 * import { loadModel, presets } from "@kdc-mae/model";
 * import { readCheckpoint } from "@kdc-mae/model/node";
 *
 * const { tensors } = await readCheckpoint("model.safetensors");
 * const { params, unused, notes } = loadModel(presets.tiny, tensors);
 * console.log(Object.keys(unused), notes);
 * ```
 */
export const loadModel = (
  config: ModelConfig,
  tensors: Tensors,
  options: LoadOptions = {},
): Loaded<ModelParams<FloatTensor>> => loadTree(config, modelSpec, tensors, isUnused, options);

/** The encoder alone, from a pretrained or a fine-tuned checkpoint; what else such a file holds is left unused. */
export function loadEncoder(
  config: ModelConfig,
  tensors: Tensors,
  options: LoadOptions = {},
): Loaded<EncoderParams<FloatTensor>> {
  const elsewhere = (name: string) => /^(decoder_|mask_token$|mlp_head\.|sampler_[av]\.|predictor_)/.test(name);
  return loadTree(config, encoderSpec, tensors, (name) => isUnused(name) || elsewhere(name), options);
}

/**
 * A fine-tuned classifier (`mlp_head.0` norm, `mlp_head.1` linear); the number of classes is read from the file.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { initClassifier, loadClassifier, presets, stateDict } from "@kdc-mae/model";
 *
 * const tensors = stateDict(presets.tiny, initClassifier(presets.tiny, 10, createRng(1)));
 * const { params } = loadClassifier(presets.tiny, tensors); // of 10 classes: the file says so
 * ```
 */
export function loadClassifier(
  config: ModelConfig,
  tensors: Tensors,
  options: LoadOptions = {},
): Loaded<ClassifierParams<FloatTensor>> {
  const head = withoutPrefix(tensors).get("mlp_head.1.weight");
  if (head === undefined) refuse({ missing: ["mlp_head.1.weight"] });
  return loadTree(config, (sizes) => classifierSpec(sizes, head.shape[0]), tensors, isUnused, options);
}
