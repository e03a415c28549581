import { type FloatTensor, float32, KdcError, mapTree, type Tree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { createAdamKernel } from "./adam-kernel.js";
import type { Optimizer, ParameterGroup, TracedUpdate } from "./optimizer.js";

/** Settings of {@link adam} and {@link adamW}, named and preset as in PyTorch. */
export type AdamOptions = {
  /** Decay of the first and the second moment; 0.9 and 0.999 unless given. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment; 1e-8 unless given. */
  readonly epsilon?: number;
  /** 0 unless given. */
  readonly weightDecay?: number;
  /** Each must match a parameter: `init` refuses one that matches none. */
  readonly groups?: readonly ParameterGroup[];
};

/** Moments like the parameters, and how many updates were made. */
export type AdamState<Params> = { readonly first: Params; readonly second: Params; updates: number };

type Weights = Tree<FloatTensor>;

const createAdam = <Params extends Weights>(
  name: string,
  options: AdamOptions,
  decoupled: boolean,
): Optimizer<Params, AdamState<Params>> => {
  expectOptions(name, options);
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, groups = [] } = options;
  const [beta1, beta2] = betas;
  const updateArray = createAdamKernel();
  const groupOf = (path: string): ParameterGroup | undefined => groups.find((group) => matches(group, path));
  const zeros = (params: Params): Params =>
    mapTree<Weights, FloatTensor, FloatTensor>(params, ({ shape }) => float32(shape)) as Params;
  /** Numbers of the traced update: the root's correction, then rate and shrinking of each group, the last all others. */
  const kinds: readonly (ParameterGroup | undefined)[] = [...groups, undefined];
  const kindOf = (path: string): number => kinds.indexOf(groupOf(path));
  const traced: TracedUpdate<AdamState<Params>> = {
    numbers: (state, learningRate) => {
      state.updates++;
      const corrected = 1 - beta1 ** state.updates;
      return [
        1 / Math.sqrt(1 - beta2 ** state.updates),
        ...kinds.flatMap((group) => {
          const rate = learningRate * (group?.rate ?? 1);
          return [rate / corrected, decoupled ? 1 - rate * (group?.weightDecay ?? weightDecay) : 1];
        }),
      ];
    },
    apply: (path, { value, gradient, slots }, number) => {
      const kind = kindOf(path);
      const decay = kinds[kind]?.weightDecay ?? weightDecay;
      const [rootCorrection, rate] = [number(0), number(1 + 2 * kind)];
      const slope = decoupled || decay === 0 ? gradient : tf.add(gradient, tf.mul(value, decay));
      const first = tf.add(tf.mul(slots.first, beta1), tf.mul(slope, 1 - beta1));
      const second = tf.add(tf.mul(slots.second, beta2), tf.mul(tf.mul(slope, slope), 1 - beta2));
      const kept = decoupled && decay !== 0 ? tf.mul(value, number(2 + 2 * kind)) : value;
      const length = tf.add(tf.mul(tf.sqrt(second), rootCorrection), epsilon);
      return { value: tf.sub(kept, tf.div(tf.mul(first, rate), length)), slots: { first, second } };
    },
  };
  return {
    name,
    traced,
    slots: ({ first, second }) => ({ first, second }),
    counters: ({ updates }) => ({ updates }),
    restore: (state, { updates }) => {
      if (updates === undefined) throw withoutUpdates(name);
      state.updates = updates;
    },
    init: (params) => {
      expectMatches(name, groups, params);
      return { first: zeros(params), second: zeros(params), updates: 0 };
    },
    update: (state, params, gradients, learningRate, scale = 1, untouched = []) => {
      const still = new Set(untouched);
      const byPath = (tree: Params) => treeLeaves<FloatTensor>(tree);
      const [given, first, second] = [byPath(gradients), byPath(state.first), byPath(state.second)];
      const leaves = byPath(params);
      expectSamePaths(name, leaves, given);
      expectSamePaths(name, leaves, first);
      state.updates++;
      for (const [index, [path, leaf]] of leaves.entries()) {
        if (still.has(path)) continue;
        const group = groupOf(path);
        const rate = learningRate * (group?.rate ?? 1);
        const decay = group?.weightDecay ?? weightDecay;
        updateArray(leaf.data, given[index][1].data, first[index][1].data, second[index][1].data, {
          rate: rate / (1 - beta1 ** state.updates),
          scale,
          beta1,
          rest1: 1 - beta1,
          beta2,
          rest2: 1 - beta2,
          epsilon,
          coupled: decoupled ? 0 : decay,
          shrink: decoupled ? 1 - rate * decay : 1,
          rootCorrection: 1 / Math.sqrt(1 - beta2 ** state.updates),
        });
      }
    },
  };
};

/** @throws KdcError (reason `option`): an option that nobody reads would change nothing, without a word */
function expectOptions(name: string, options: AdamOptions): void {
  const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
    betas: (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((beta) => beta >= 0 && beta < 1),
    epsilon: Number.isFinite,
    weightDecay: Number.isFinite,
    groups: (groups) => Array.isArray(groups) && groups.every(({ paths }) => paths instanceof RegExp),
  };
  const odd = Object.entries(options).find(([key, value]) => value !== undefined && !checks[key]?.(value));
  if (odd === undefined) return;
  throw new KdcError({
    where: name,
    what: `the option ${odd[0]} is not known, or cannot be ${JSON.stringify(odd[1])}`,
    remedy: "Give two betas below 1, epsilon, weightDecay, and groups of a RegExp each; the rate comes with each step",
    reason: "option",
  });
}

const matches = ({ paths }: ParameterGroup, path: string): boolean => {
  // An expression with the flag g goes on where its last match ended.
  paths.lastIndex = 0;
  return paths.test(path);
};

/** @throws KdcError (reason `option`): a group of no parameter is a misspelt one */
function expectMatches(name: string, groups: readonly ParameterGroup[], params: Weights): void {
  const known = treeLeaves<FloatTensor>(params).map(([path]) => path);
  const idle = groups.find((group) => !known.some((path) => matches(group, path)));
  if (idle === undefined) return;
  throw new KdcError({
    where: name,
    what: `the group ${idle.paths} matches none of the ${known.length} parameters`,
    remedy: `Match their names, such as ${known.slice(0, 5).join(", ")}; or leave the group out`,
    reason: "option",
  });
}

const withoutUpdates = (name: string): KdcError =>
  new KdcError({
    where: `${name}.restore`,
    what: "the saved counters do not say how many updates were made",
    remedy: "Give what `counters` of an optimizer of this kind gave",
    reason: "optimizer",
  });

type Leaves = readonly (readonly [path: string, leaf: FloatTensor])[];

const expectSamePaths = (name: string, wanted: Leaves, given: Leaves): void => {
  const at = wanted.findIndex(([path, leaf], index) => {
    const other = given[index];
    return other?.[0] !== path || other[1].data.length !== leaf.data.length;
  });
  if (at < 0 && wanted.length === given.length) return;
  const path = wanted[at]?.[0] ?? given[wanted.length][0];
  throw new KdcError({
    where: `${name}.update`,
    what: `parameters, gradients and optimizer state do not match at ${path}`,
    remedy: "Give trees of one structure; make a new state with init when parameters are added",
    reason: "parameters",
  });
};

/**
 * Adam (Kingma & Ba 2015) with weight decay added to the gradient, as `torch.optim.Adam` does.
 *
 * @example
 * ```ts
 * import { adam } from "@kdc-mae/engine";
 *
 * const optimizer = adam({ betas: [0.95, 0.999], weightDecay: 5e-7 });
 * ```
 */
export function adam<Params extends Weights = Weights>(
  options: AdamOptions = {},
): Optimizer<Params, AdamState<Params>> {
  return createAdam("adam", options, false);
}

/**
 * AdamW (Loshchilov & Hutter 2019): weight decay shrinks the parameters directly, as `torch.optim.AdamW` does.
 *
 * @example
 * ```ts
 * import { adamW } from "@kdc-mae/engine";
 *
 * const optimizer = adamW({ weightDecay: 0.05, groups: [{ paths: /bias$/, weightDecay: 0 }] });
 * ```
 */
export function adamW<Params extends Weights = Weights>(
  options: AdamOptions = {},
): Optimizer<Params, AdamState<Params>> {
  return createAdam("adamW", options, true);
}
