import "../backend/register.js";
import { KdcError, type LossReport, mapTree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree } from "../run/program.js";

/** A loss of parameters and a batch, both trees of tensors. */
export type Loss<Params, Batch> = (params: Params, batch: Batch) => LossReport;

/** A loss report with the gradient of its total: one tensor per parameter, same tree, same shapes. */
export type Gradients<Params> = LossReport & { readonly gradients: Params };

/** Tensors that must outlive the gradient's own tidy come back as clones that belong to the caller's. */
const release = (kept: tf.Scalar): tf.Scalar => {
  const copy = tf.clone(kept);
  kept.dispose();
  return copy;
};

/**
 * The loss with its gradients, itself a tfjs function, so that it may run eagerly or be compiled.
 * A parameter the total does not depend on gets zeros.
 *
 * @param withoutGradient told, each time the function is run or traced, the paths of such parameters
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { valueAndGradients } from "@kdc-mae/engine";
 * import { compiled } from "@kdc-mae/engine/node";
 * import { mean, type Scalar, square, sub, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const slope = valueAndGradients(({ w }: { w: Tensor1D }, { x }: { x: Tensor1D }) => {
 *   const total: Scalar = mean(square(sub(w, x)));
 *   return { total, terms: { total } };
 * });
 * const inputs = { params: { w: float32([3], Float32Array.of(1, 2, 3)) }, batch: { x: float32([3]) } };
 * const program = await compiled()(slope, inputs);
 * const { total, gradients } = await program.run(inputs);
 * console.log(total.data, gradients.w.data); // 14 / 3, and 2 / 3 · [1, 2, 3]
 * await program.dispose();
 * ```
 */
export function valueAndGradients<Params, Batch>(
  loss: Loss<Params, Batch>,
  withoutGradient: (paths: readonly string[]) => void = () => undefined,
): (inputs: { readonly params: Params; readonly batch: Batch }) => Gradients<Params> {
  return ({ params, batch }) => {
    const leaves = treeLeaves(asTree<tf.Tensor>(params));
    if (leaves.length === 0) {
      throw new KdcError({
        where: "valueAndGradients",
        what: "there are no parameters",
        remedy: "Give a tree with at least one tensor as params",
        reason: "parameters",
      });
    }
    let terms: [name: string, term: tf.Scalar][] = [];
    const { value, grads } = tf.engine().gradients(
      () => {
        const report = loss(params, batch);
        terms = Object.entries(report.terms).map(([name, term]) => [name, tf.keep(tf.clone(term))]);
        return report.total;
      },
      leaves.map(([, tensor]) => tensor),
      undefined,
      true,
    );
    withoutGradient(leaves.flatMap(([path], index) => (grads[index] ? [] : [path])));
    let next = 0;
    const gradients = mapTree(
      asTree<tf.Tensor>(params),
      (tensor: tf.Tensor) => grads[next++] ?? tf.zerosLike(tensor),
    ) as Params;
    return {
      total: value as tf.Scalar,
      terms: Object.fromEntries(terms.map(([name, term]) => [name, release(term)])),
      gradients,
    };
  };
}
