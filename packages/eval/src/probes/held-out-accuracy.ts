import { argmaxRows } from "../classification/classification.js";
import { predictLinear } from "../classification/linear-classifier.js";
import { fitLinearProbe, type LabelledRows } from "../classification/linear-probe.js";
import { neighbourVotes } from "../classification/nearest-neighbours.js";
import { takeRows } from "../matrix.js";

/** Strength of the linear probe while training runs: one, so that nothing has to be chosen. */
const STRENGTH = 0.01;

/** Shares of clips told rightly, and what telling all of them the commonest kind gives. */
export type HeldOutAccuracy = {
  readonly knn: number;
  readonly linear: number;
  readonly chance: number;
  readonly fitted: number;
  readonly scored: number;
};

/**
 * What two probes reach on clips that nothing is trained on: every other clip of each kind is fitted, the rest scored.
 * kNN as `neighbourVotes` has it (k = 20, temperature 0.07), and a logistic regression with l2 = 0.01.
 *
 * For watching a run, not for a table: few clips, no strength chosen, no interval.
 *
 * @param rows features `[N, D]` with a label each
 * @returns undefined where fewer than two kinds have two clips
 */
export function heldOutAccuracy(
  kinds: readonly string[],
  { features, labels }: LabelledRows,
): HeldOutAccuracy | undefined {
  const seen = new Map<number, number>();
  const [fitted, scored]: [number[], number[]] = [[], []];
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  const usable = [...counts].filter(([, count]) => count >= 2);
  if (usable.length < 2) return undefined;
  for (let i = 0; i < labels.length; i++) {
    if ((counts.get(labels[i]) ?? 0) < 2) continue;
    const turn = seen.get(labels[i]) ?? 0;
    seen.set(labels[i], turn + 1);
    (turn % 2 === 0 ? fitted : scored).push(i);
  }
  const part = (indices: readonly number[]): LabelledRows => ({
    features: takeRows(features, indices),
    labels: indices.map((index) => labels[index]),
  });
  const [train, test] = [part(fitted), part(scored)];
  const right = (told: Int32Array): number =>
    told.reduce((sum, kind, i) => sum + (kind === test.labels[i] ? 1 : 0), 0) / scored.length;
  const { classifier } = fitLinearProbe({ kinds, train, validation: train, strengths: [STRENGTH] });
  const ofKind = new Map<number, number>();
  for (const index of scored) ofKind.set(labels[index], (ofKind.get(labels[index]) ?? 0) + 1);
  return {
    knn: right(argmaxRows(neighbourVotes(kinds, train, test.features))),
    linear: right(argmaxRows(predictLinear(classifier, test.features))),
    chance: Math.max(...ofKind.values()) / scored.length,
    ...{ fitted: fitted.length, scored: scored.length },
  };
}
