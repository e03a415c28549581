import { argmaxRows } from "../classification/classification.js";
import { recordingsByKind } from "../classification/hold-out.js";
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
 * What two probes reach on clips that nothing is trained on: every other recording of each kind is fitted, the rest
 * scored. kNN as `neighbourVotes` has it (k = 20, temperature 0.07), and a logistic regression with l2 = 0.01.
 *
 * For watching a run, not for a table: few clips, no strength chosen, no interval.
 *
 * @param rows features `[N, D]` with a label each; `recordings` where clips are parts of fewer, of which each is dealt whole
 * @returns undefined where fewer than two kinds have clips to fit
 */
export function heldOutAccuracy(
  kinds: readonly string[],
  { features, labels, recordings }: LabelledRows,
): HeldOutAccuracy | undefined {
  const usable = [...recordingsByKind(labels, recordings).values()].filter((own) => own.length >= 2);
  const dealt = (turn: number) =>
    usable.flatMap((own) => own.flatMap((part, at) => (at % 2 === turn ? [...part] : []))).sort((a, b) => a - b);
  const fitted = dealt(0);
  const known = new Set(fitted.map((clip) => labels[clip]));
  if (known.size < 2) return undefined;
  // A recording may hold a clip of a kind that no fitted one has.
  const scored = dealt(1).filter((clip) => known.has(labels[clip]));
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
