import { type Matrix, matrix } from "../matrix.js";

/**
 * How linear outputs become probabilities, and what is wrong with them. Outputs, probabilities and slopes run
 * `[C, N]`: kinds by clips, as the row products give them; targets `[N, C]`.
 */
export type Link = {
  readonly name: "softmax" | "sigmoid";
  /** Probabilities, in place of the outputs. */
  probabilities(outputs: Matrix): void;
  /** Loss of one target `t` with probability `p`. */
  loss(t: number, p: number): number;
};

/** One label per clip: probabilities over the kinds sum to one; cross-entropy. */
export const softmaxLink: Link = {
  name: "softmax",
  probabilities({ shape: [kinds, clips], data }) {
    for (let i = 0; i < clips; i++) {
      let highest = -Infinity;
      for (let c = 0; c < kinds; c++) highest = Math.max(highest, data[c * clips + i]);
      let sum = 0;
      for (let c = 0; c < kinds; c++) sum += Math.exp(data[c * clips + i] - highest);
      const offset = highest + Math.log(sum);
      for (let c = 0; c < kinds; c++) data[c * clips + i] = Math.exp(data[c * clips + i] - offset);
    }
  },
  loss: (t, p) => (t === 0 ? 0 : -t * Math.log(Math.max(p, 1e-30))),
};

/** Any number of labels per clip: each kind by itself; binary cross-entropy summed over the kinds. */
export const sigmoidLink: Link = {
  name: "sigmoid",
  probabilities({ data }) {
    for (let i = 0; i < data.length; i++) data[i] = 1 / (1 + Math.exp(-data[i]));
  },
  loss: (t, p) => -(t * Math.log(Math.max(p, 1e-30)) + (1 - t) * Math.log(Math.max(1 - p, 1e-30))),
};

/**
 * Mean loss over the clips and its slope (p − t) / N with respect to the outputs: the same for both links.
 * `probabilities [C, N]`, `targets [N, C]` → slope `[C, N]`.
 */
export function lossAndSlope(link: Link, probabilities: Matrix, targets: Matrix): { loss: number; slope: Matrix } {
  const [kinds, clips] = probabilities.shape;
  const slope = matrix(kinds, clips);
  let loss = 0;
  for (let c = 0; c < kinds; c++) {
    for (let i = 0; i < clips; i++) {
      const p = probabilities.data[c * clips + i];
      const t = targets.data[i * kinds + c];
      loss += link.loss(t, p) / clips;
      slope.data[c * clips + i] = (p - t) / clips;
    }
  }
  return { loss, slope };
}
