import { expectShape } from "@kdc-mae/core";
import { type Matrix, matrix, transpose } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { minimize } from "./lbfgs.js";
import { type Link, lossAndSlope } from "./link.js";
import { columnScaling, standardize } from "./standardize.js";

/** One linear layer on raw features (the standardisation is folded in). weight `[C, D]`, bias `[C]`. */
export type LinearClassifier = { readonly link: Link; readonly weight: Matrix; readonly bias: Float32Array };

/** One fit: its classifier, and whether L-BFGS converged. */
export type Fit = {
  readonly l2: number;
  readonly classifier: LinearClassifier;
  readonly iterations: number;
  readonly converged: boolean;
};

/**
 * Fits mean loss + l2/2·|W|² on standardised features for every strength in the list, the strongest first, each from
 * the one before. The bias is not penalised. Deterministic.
 *
 * @param features `[N, D]`
 * @param targets `[N, C]`, 0/1
 */
export function fitLinear(link: Link, features: Matrix, targets: Matrix, strengths: readonly number[]): readonly Fit[] {
  const [clips, width] = features.shape;
  const kinds = targets.shape[1];
  const scaling = columnScaling(features);
  const rows = standardize(features, scaling);
  const byClip = prepareRows(rows);
  const byColumn = prepareRows(transpose(rows));
  const weight = matrix(kinds, width);

  const objective = (l2: number) => (point: Float64Array, gradient: Float64Array) => {
    weight.data.set(point.subarray(0, kinds * width));
    const outputs = byClip.times(weight);
    for (let c = 0; c < kinds; c++) {
      for (let i = 0; i < clips; i++) outputs.data[c * clips + i] += point[kinds * width + c];
    }
    link.probabilities(outputs);
    const { loss, slope } = lossAndSlope(link, outputs, targets);
    const pull = byColumn.times(slope).data;
    let square = 0;
    for (let i = 0; i < pull.length; i++) {
      gradient[i] = pull[i] + l2 * point[i];
      square += point[i] * point[i];
    }
    for (let c = 0; c < kinds; c++) {
      gradient[pull.length + c] = slope.data
        .subarray(c * clips, (c + 1) * clips)
        .reduce((sum, value) => sum + value, 0);
    }
    return loss + (l2 / 2) * square;
  };

  let point: Float64Array = new Float64Array(kinds * (width + 1));
  return [...strengths]
    .sort((a, b) => b - a)
    .map((l2) => {
      const minimum = minimize(objective(l2), point);
      point = minimum.point;
      const folded = matrix(kinds, width);
      const bias = Float32Array.from({ length: kinds }, (_, c) => {
        let shift = point[kinds * width + c];
        for (let k = 0; k < width; k++) {
          const value = point[c * width + k] / scaling.scale[k];
          folded.data[c * width + k] = value;
          shift -= value * scaling.mean[k];
        }
        return shift;
      });
      const { iterations, converged } = minimum;
      return { l2, classifier: { link, weight: folded, bias }, iterations, converged };
    });
}

/** Probabilities of every kind, `[N, D]` → `[N, C]`. */
export function predictLinear({ link, weight, bias }: LinearClassifier, features: Matrix): Matrix {
  const { N } = expectShape("predictLinear", "features", features, "N D", { D: weight.shape[1] });
  const outputs = prepareRows(features).times(weight);
  for (let c = 0; c < bias.length; c++) for (let i = 0; i < N; i++) outputs.data[c * N + i] += bias[c];
  link.probabilities(outputs);
  return transpose(outputs);
}
