import type { FloatTensor, HostTensor, Tree } from "@kdc-mae/core";
import { treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { type Follower, followed } from "./follower.js";
import type { TracedUpdate } from "./optimizer.js";

/** Tensors by their dotted path, without dots in the keys: flat, so that what a program gave takes a place by its key. */
export type Named<Leaf = tf.Tensor> = { readonly [key: string]: Leaf };

/** Everything that changes while training: parameters, the optimizer's arrays, and what follows the parameters. */
export type Held<Leaf = tf.Tensor> = {
  readonly params: Named<Leaf>;
  readonly slots: { readonly [slot: string]: Named<Leaf> };
  readonly follower: Named<Leaf>;
};

export const keyOf = (path: string): string => path.replaceAll(".", "/");
export const pathOf = (key: string): string => key.replaceAll("/", ".");

export const flat = <Leaf extends HostTensor | FloatTensor | tf.Tensor>(tree: Tree<Leaf>): Record<string, Leaf> =>
  Object.fromEntries(treeLeaves(tree).map(([path, leaf]) => [keyOf(path), leaf]));

/** √Σ g², all gradients as one vector. */
const lengthOf = (gradients: readonly tf.Tensor[]): tf.Scalar =>
  tf.sqrt(tf.sum(tf.concat(gradients.map((gradient) => tf.reshape(tf.sum(tf.square(gradient)), [1]))))) as tf.Scalar;

/** How an update is made, apart from its tensors. */
export type UpdateRule = {
  readonly apply: TracedUpdate<never>["apply"];
  readonly clipNorm?: number;
  readonly follower?: Follower;
};

/** What an update is made of. `numbers`: what gradients are to be divided by, then the optimizer's own. */
export type UpdateInputs = Held & {
  readonly gradients: Named;
  readonly numbers: tf.Tensor1D;
  readonly total: tf.Tensor;
};

/**
 * Clips and updates every parameter that has a gradient, and what follows them; or leaves all as they are where
 * something is not finite.
 */
export function updateAll(
  { apply, clipNorm, follower }: UpdateRule,
  { params, slots, gradients, numbers, total, ...given }: UpdateInputs,
  untouched: ReadonlySet<string>,
): Held & { readonly norm: tf.Scalar } {
  const number = (index: number): tf.Tensor => tf.reshape(tf.slice(numbers, [index], [1]), []);
  const touched = Object.keys(params).filter((key) => !untouched.has(key));
  const scale = number(0);
  const norm = tf.div(lengthOf(touched.map((key) => gradients[key])), scale) as tf.Scalar;
  const sound = tf.logicalAnd(tf.isFinite(total), tf.isFinite(norm));
  const clip = clipNorm === undefined ? tf.onesLike(norm) : tf.minimum(1, tf.div(clipNorm, tf.add(norm, 1e-6)));
  // Made of the norm, which needs all gradients: so no update is computed before, and each in one kernel.
  const factor = tf.where(sound, tf.div(clip, scale), tf.zerosLike(norm));
  const names = Object.keys(slots);
  const kept = (next: tf.Tensor, before: tf.Tensor) => tf.where(sound, next, before);
  const results = touched.map((key) => {
    const own = Object.fromEntries(names.map((name) => [name, slots[name][key]]));
    const gradient = tf.mul(gradients[key], factor);
    const made = apply(pathOf(key), { value: params[key], gradient, slots: own }, (index) => number(index + 1));
    const next = Object.fromEntries(names.map((name) => [name, kept(made.slots[name], own[name])]));
    return { key, value: kept(made.value, params[key]), slots: next };
  });
  const values = Object.fromEntries(results.map(({ key, value }) => [key, value]));
  const follows = (key: string, before: tf.Tensor, { momentum, ...rest }: Follower): tf.Tensor => {
    const source = keyOf(followed({ momentum, ...rest }, pathOf(key)));
    const next = tf.add(tf.mul(before, momentum), tf.mul(values[source] ?? params[source], 1 - momentum));
    return kept(next, before);
  };
  return {
    params: values,
    slots: Object.fromEntries(
      names.map((name) => [name, Object.fromEntries(results.map((one) => [one.key, one.slots[name]]))]),
    ),
    follower: Object.fromEntries(
      Object.entries(given.follower).map(([key, before]) => [key, follows(key, before, follower!)]),
    ),
    norm,
  };
}

/** sum ← sum + gradient · weight; the first of a step begins anew, whatever was there. */
export const addTo = (sums: Named, gradients: Named, weight: tf.Scalar, isFirst: tf.Scalar): Named => {
  const began = tf.greater(isFirst, 0.5);
  return Object.fromEntries(
    Object.keys(sums).map((key) => [
      key,
      tf.add(tf.where(began, tf.scalar(0), sums[key]), tf.mul(gradients[key], weight)),
    ]),
  );
};
