import { type FloatTensor, type LossReport, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree, type Hosted } from "../run/program.js";
import type { Loss } from "./gradient.js";
import { scaledLoss } from "./loss-scale.js";

/**
 * A loss that can be computed of several batches as if they were one. `part` must give the same each time it sees the
 * same parameters and batch: what is random comes in with the batch.
 */
export type LossInParts<Params, Batch, Parts> = {
  /** What a batch adds: tensors with clips first, to be put one after another, and scalars that are means over clips. */
  readonly part: (params: Params, batch: Batch) => Parts;
  /** The loss of all clips, from the parts joined: for one batch the loss as it would be computed at once. */
  readonly whole: (params: Params, parts: Parts) => LossReport;
};

/** Tensors by their path in a tree. */
export type Along = { readonly [path: string]: tf.Tensor };

/** The loss of the whole with its gradients, by path, where there are any; multiplied by a scale, if one is given. */
export const wholeWithGradients =
  <Params, Parts>(whole: LossInParts<Params, unknown, Parts>["whole"]) =>
  ({ params, parts, scale }: { readonly params: Params; readonly parts: Parts; readonly scale?: tf.Scalar }) => {
    const sides = [treeLeaves(asTree<tf.Tensor>(params)), treeLeaves(asTree<tf.Tensor>(parts))].map((leaves) =>
      leaves.filter(([, leaf]) => leaf.dtype === "float32"),
    );
    const given = sides.flat().map(([, leaf]) => leaf);
    let terms: [string, tf.Scalar][] = [];
    const { value, grads } = tf.engine().gradients(
      () => {
        const own: Loss<Params, Parts> = whole;
        const report = scale ? scaledLoss(own)(params, { batch: parts, scale }) : own(params, parts);
        terms = Object.entries(report.terms).map(([name, term]) => [name, tf.keep(tf.clone(term))]);
        return report.total;
      },
      given,
      undefined,
      true,
    );
    const released = terms.map(([name, term]) => {
      const copy = tf.clone(term);
      term.dispose();
      return [name, copy] as const;
    });
    const present = (from: number, leaves: (typeof sides)[number]): Along =>
      Object.fromEntries(
        leaves.flatMap(([path], index) => (grads[from + index] ? [[path, grads[from + index] as tf.Tensor]] : [])),
      );
    return {
      total: value as tf.Scalar,
      terms: Object.fromEntries(released) as Record<string, tf.Scalar>,
      toParams: present(0, sides[0]),
      toParts: present(sides[0].length, sides[1]),
    };
  };

/** What {@link wholeWithGradients} gives, in ordinary memory: gradients are float32. */
export type WholeInMemory = Hosted<LossReport> & {
  readonly toParams: Readonly<Record<string, FloatTensor>>;
  readonly toParts: Readonly<Record<string, FloatTensor>>;
};

/** Σ ⟨part, gradient of the whole to it⟩: its gradient to the parameters is what this batch adds to the whole's. */
export const projected =
  <Params, Batch, Parts>(part: LossInParts<Params, Batch, Parts>["part"]) =>
  (params: Params, { batch, along }: { readonly batch: Batch; readonly along: Along }): LossReport => {
    const leaves = new Map(treeLeaves(asTree<tf.Tensor>(part(params, batch))));
    const products = Object.entries(along).map(([path, direction]) => tf.sum(tf.mul(leaves.get(path)!, direction)));
    const total = products.reduce((sum, next) => tf.add(sum, next), tf.scalar(0)) as tf.Scalar;
    return { total, terms: {} };
  };
