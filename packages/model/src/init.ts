import {
  type FloatTensor,
  float32,
  mapTree,
  patchLength,
  type Rng,
  type Shaped,
  sizeOf,
  type Tree,
  type TreeLike,
  treeLeaves,
} from "@kdc-mae/core";
import type { ModelConfig } from "./config.js";
import { sineCosinePositions } from "./nn/positions.js";
import type { ClassifierParams, EncoderParams, ModelParams } from "./params.js";
import { classifierSpec, type Initial, modelSpec, type ParameterSpec } from "./spec.js";

function filled(shape: readonly number[], value: () => number): FloatTensor {
  const made = float32(shape);
  for (let i = 0; i < made.data.length; i++) made.data[i] = value();
  return made;
}

const uniform = (shape: readonly number[], bound: number, rng: Rng): FloatTensor =>
  filled(shape, () => (2 * rng.uniform() - 1) * bound);

const starts: Readonly<Record<Initial, (spec: ParameterSpec, rng: Rng) => FloatTensor>> = {
  // Glorot & Bengio 2010; a patch projection counts as the matrix [D, P] it is.
  xavier: ({ shape }, rng) => uniform(shape, Math.sqrt(6 / (shape[0] + shape[1])), rng),
  zeros: ({ shape }) => float32(shape),
  ones: ({ shape }) => filled(shape, () => 1),
  token: ({ shape }, rng) => filled(shape, () => 0.02 * rng.normal()),
  "patch-bias": ({ shape, grid }, rng) => uniform(shape, 1 / Math.sqrt(patchLength(grid!)), rng),
  registers: ({ shape }, rng) => filled(shape, () => rng.normal()),
  positions: ({ shape, grid }) => sineCosinePositions(grid!, shape[2]),
};

/** Each parameter draws from a stream named after its path, so adding one changes no other. */
const start = <T extends Tree<ParameterSpec>>(specs: T, rng: Rng): TreeLike<T, FloatTensor> =>
  mapTree(specs, (spec: ParameterSpec, path) => starts[spec.initial](spec, rng.fork(path)));

/**
 * Fresh parameters for pretraining (initialisation of MAE and CAV-MAE), in ordinary memory.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { initModel, presets } from "@kdc-mae/model";
 *
 * const params = initModel(presets.tiny, createRng(1));
 * ```
 */
export const initModel = (config: ModelConfig, rng: Rng): ModelParams<FloatTensor> => start(modelSpec(config), rng);

/**
 * A classifier over `classes` labels with a fresh head, on the given encoder (pretrained, say) or a fresh one.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { initClassifier, initModel, presets } from "@kdc-mae/model";
 *
 * const { encoder } = initModel(presets.tiny, createRng(1));
 * const params = initClassifier(presets.tiny, 10, createRng(2), encoder);
 * ```
 */
export function initClassifier(
  config: ModelConfig,
  classes: number,
  rng: Rng,
  encoder?: EncoderParams<FloatTensor>,
): ClassifierParams<FloatTensor> {
  const specs = classifierSpec(config, classes);
  if (encoder === undefined) return start(specs, rng);
  return { encoder, ...start({ head: specs.head }, rng) };
}

/**
 * How many numbers a parameter tree holds.
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { countParameters, initModel, presets } from "@kdc-mae/model";
 *
 * countParameters(initModel(presets.tiny, createRng(1)));
 * ```
 */
export const countParameters = (params: Tree<Shaped>): number =>
  treeLeaves(params).reduce((total, [, leaf]) => total + sizeOf(leaf.shape), 0);

/**
 * How many numbers the parameters of a model have that is not there yet.
 *
 * @example
 * ```ts
 * import { parameterCount, presets } from "@kdc-mae/model";
 *
 * const { all, encoder } = parameterCount(presets.base);
 * ```
 */
export function parameterCount(config: ModelConfig): { readonly all: number; readonly encoder: number } {
  const specs = modelSpec(config);
  return { all: countParameters(specs), encoder: countParameters(specs.encoder) };
}
