import { isKdcError, type LossReport } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { expectReport, type Loss } from "./gradient.js";
import { gradientNorm, type LossScale, type StepReport } from "./update.js";

/** As PyTorch's GradScaler: where it begins, and after how many good steps it doubles. */
const begins = 2 ** 16;
const patience = 2000;
const most = 2 ** 24;

export const freshLossScale = (): LossScale => ({ value: begins, good: 0 });

/** Not a name that a loss term has. */
const unscaled = "(unscaled)";

/** The same loss, multiplied by a scale that comes with the batch; its own total among the terms. */
export const scaledLoss =
  <Params, Batch>(loss: Loss<Params, Batch>) =>
  (params: Params, { batch, scale }: { readonly batch: Batch; readonly scale: tf.Scalar }): LossReport => {
    const { total, terms } = expectReport(loss(params, batch));
    return { total: tf.mul(total, scale), terms: { ...terms, [unscaled]: total } };
  };

/** Total and terms as they were before they were scaled. */
export function unscale<Value>(total: Value, terms: Readonly<Record<string, Value>>) {
  const { [unscaled]: own = total, ...others } = terms;
  return { total: own, terms: others as Readonly<Record<string, Value>> };
}

/**
 * Takes a step at the scale there is. Where gradients overflow, it is taken once more at half the scale: nothing was
 * changed, and no batch is lost. Gradients that are not finite at any scale are not the scale's doing: it is what it was
 * then, and the step is refused.
 *
 * @param attempt changes nothing when it throws
 */
export async function atLossScale(
  scale: LossScale | undefined,
  attempt: (value: number) => Promise<StepReport>,
): Promise<StepReport> {
  if (scale === undefined) return attempt(1);
  const before = { ...scale };
  for (let halved = 0; ; halved++) {
    try {
      const report = await attempt(scale.value);
      scale.good += 1;
      const used = scale.value;
      if (scale.good >= patience) Object.assign(scale, { value: Math.min(2 * scale.value, most), good: 0 });
      return { ...report, lossScale: { value: used, halved } };
    } catch (error) {
      const overflows = isKdcError(error) && error.reason === "loss-not-finite" && error.what.startsWith(gradientNorm);
      if (!overflows) throw error;
      if (scale.value <= 1) {
        Object.assign(scale, before);
        throw error;
      }
      Object.assign(scale, { value: scale.value / 2, good: 0 });
    }
  }
}
