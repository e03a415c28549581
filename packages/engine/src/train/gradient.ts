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

const refuse = (what: string, remedy: string): KdcError =>
  new KdcError({ where: "valueAndGradients", what: `the loss ${what}`, remedy, reason: "loss" });

const isScalar = (value: unknown): boolean =>
  typeof value === "number" || (value instanceof tf.Tensor && value.size === 1);

/** @throws KdcError (reason `loss`) for anything but a total and terms of one number each, which is all that is read of them */
export function expectReport(report: LossReport): LossReport {
  const remedy = "Return { total, terms }: a scalar to go down on, and scalars to report by their names ({} for none)";
  const { total, terms } = { ...(report as Partial<LossReport>) };
  if (report instanceof Promise) throw refuse("gives a promise", "Make it a plain function: tfjs records it at once");
  if (!(total instanceof tf.Tensor)) throw refuse("gives no tensor as its total", remedy);
  if (!isScalar(total))
    throw refuse(`has a total of shape [${total.shape.join(", ")}], not one number`, "Take its mean or its sum");
  if (typeof terms !== "object" || terms === null) throw refuse("gives no terms", remedy);
  const odd = Object.entries(terms).find(([, term]) => !isScalar(term));
  if (odd === undefined) return report;
  const shape = odd[1] instanceof tf.Tensor ? `has shape [${odd[1].shape.join(", ")}]` : "is no tensor";
  throw refuse(`has a term ${odd[0]} that ${shape}, not one number`, remedy);
}

/**
 * The loss with its gradients, itself a tfjs function, so that it may run eagerly or be compiled.
 * A parameter the total does not depend on gets zeros.
 *
 * @throws KdcError, when it is run or traced, where there are no parameters (reason `parameters`), where the loss gives anything but
 * `{ total, terms }` of one number each, and where it depends on no parameter at all (`loss`)
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
        const report = expectReport(loss(params, batch));
        terms = Object.entries(report.terms).map(([name, term]) => [name, tf.keep(tf.clone(term))]);
        return report.total;
      },
      leaves.map(([, tensor]) => tensor),
      undefined,
      true,
    );
    if (grads.every((gradient) => !gradient)) {
      throw refuse(
        "depends on none of the parameters, so that nothing would be learned",
        "Compute it from the parameters that the loss is given, not from captured variables or from values read before",
      );
    }
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
