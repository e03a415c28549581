import { KdcError } from "@kdc-mae/core";
import { type BootstrapOptions, bootstrap, type Interval, meanOf } from "../bootstrap.js";
import { expectGiven } from "../given.js";
import type { Evaluated } from "../head.js";
import { expectMatrix, type Matrix } from "../matrix.js";
import { findProtocol, type Protocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { fewerThan, standsOnOne } from "../recordings.js";
import { withExact } from "../where-alike.js";
import { type CalibrationBin, calibratedError, calibration, calibrationInterval } from "./calibration.js";
import { type KindScores, rankingIntervals, rankKinds } from "./kind-scores.js";
import { oneHot } from "./labels.js";

/** Probabilities of one kind per clip, and what is true. */
export type ClassificationInput = {
  readonly kinds: readonly string[];
  /** Probabilities of the kinds, `[N, C]`. */
  readonly probabilities: Matrix;
  /** The place of each clip's label among the kinds, `[N]`. */
  readonly labels: ArrayLike<number>;
  readonly protocol?: Protocol;
  readonly leftOut?: Readonly<Record<string, number>>;
  readonly intervals?: BootstrapOptions;
};

/** One row of the per-class table; null where a figure does not exist. */
export type KindRow = KindScores & { readonly recall: number | null; readonly precision: number | null };

/** Figures of a classifier that names one kind per clip. Averages over kinds are null where no kind has both positives and negatives. */
export type ClassificationResult = Evaluated & {
  readonly accuracy: number;
  /** The most frequent label of the evaluated clips, and the accuracy of always saying it. */
  readonly majority: { readonly kind: string; readonly accuracy: number };
  readonly mAP: number | null;
  readonly auc: number | null;
  readonly dPrime: number | null;
  readonly kinds: readonly KindRow[];
  /** Clips by true kind (rows) and predicted kind (columns). */
  readonly confusion: readonly (readonly number[])[];
  readonly calibration: {
    readonly error: number;
    /** The error of a perfectly calibrated model on as many clips. */
    readonly whenCalibrated: number;
    readonly bins: readonly CalibrationBin[];
  };
  readonly excluded: Readonly<Record<string, string>>;
  readonly intervals: Readonly<Record<"accuracy" | "mAP" | "auc" | "dPrime" | "calibration", Interval>>;
  readonly warnings: readonly string[];
  /** By clip, for paired tests and curves: what came in, and 1 where the prediction is the label. */
  readonly clips: { readonly probabilities: Matrix; readonly labels: Int32Array; readonly correct: Uint8Array };
};

/** Place of the highest value of every row; the first of equal ones. */
export function argmaxRows({ shape: [rows, columns], data }: Matrix): Int32Array {
  return Int32Array.from({ length: rows }, (_, i) => {
    let best = 0;
    for (let c = 1; c < columns; c++) if (data[i * columns + c] > data[i * columns + best]) best = c;
    return best;
  });
}

/**
 * Scores probabilities of one label per clip.
 *
 * @throws KdcError for no clips, a label outside the kinds, unequal sizes, NaN
 *
 * @example
 * ```ts
 * import { classification, matrix } from "@kdc-mae/eval";
 *
 * const probabilities = matrix(2, 2, Float32Array.of(0.9, 0.1, 0.3, 0.7));
 * const { accuracy, majority } = classification({ kinds: ["bell", "drum"], probabilities, labels: [0, 1] });
 * ```
 */
export function classification(input: ClassificationInput): ClassificationResult {
  const where = "classification";
  expectGiven(where, input, "kinds", "probabilities", "labels");
  const { kinds, probabilities, labels } = input;
  const { N } = expectMatrix(where, "probabilities", probabilities, "N C", { N: labels.length, C: kinds.length });
  checkLabels(where, labels, kinds);

  const predicted = argmaxRows(probabilities);
  const correct = Uint8Array.from(predicted, (kind, i) => (kind === labels[i] ? 1 : 0));
  const confusion = kinds.map(() => kinds.map(() => 0));
  for (let i = 0; i < N; i++) confusion[labels[i]][predicted[i]]++;
  const said = (c: number) => confusion.reduce((sum, row) => sum + row[c], 0);
  const ranking = rankKinds(kinds, probabilities, oneHot(labels, kinds.length));
  const rows = ranking.kinds.map((row, c) => ({
    ...row,
    recall: row.positives === 0 ? null : confusion[c][c] / row.positives,
    precision: said(c) === 0 ? null : confusion[c][c] / said(c),
  }));
  const frequent = rows.reduce((most, row) => (row.positives > most.positives ? row : most));
  const accuracy = meanOf(correct);
  const confidence = Float64Array.from(predicted, (kind, i) => probabilities.data[i * kinds.length + kind]);
  const intervals = {
    ...withExact(bootstrap(N, { accuracy }, input.intervals), { accuracy: correct }, input.intervals?.recordings),
    ...rankingIntervals(N, ranking.statistics, input.intervals),
    calibration: calibrationInterval(confidence, correct, input.intervals),
  };
  const over = { evaluated: N, ...fewerThan(N, input.intervals?.recordings) };
  return {
    protocol: input.protocol ?? findProtocol(protocols, "classification-middle-frame"),
    ...over,
    leftOut: input.leftOut ?? {},
    accuracy: accuracy(new Int32Array(N).fill(1)),
    majority: { kind: frequent.kind, accuracy: frequent.positives / N },
    mAP: ranking.mAP,
    auc: ranking.auc,
    dPrime: ranking.dPrime,
    kinds: rows,
    confusion,
    calibration: { whenCalibrated: calibratedError(confidence), ...calibration(confidence, correct) },
    excluded: ranking.excluded,
    intervals,
    warnings: [
      ...exclusionWarnings(frequent, N, ranking.excluded),
      ...(ranking.auc === null ? [] : standsOnOne("mAP, AUC and d-prime", intervals.auc, over)),
    ],
    clips: { probabilities, labels: Int32Array.from(labels), correct },
  };
}

/** Every label must be a place among the kinds, and there must be one. */
export function checkLabels(where: string, labels: ArrayLike<number>, kinds: readonly string[]): void {
  if (labels.length === 0) {
    throw new KdcError({
      where,
      what: "there are no labelled clips",
      remedy: "Check that the split has clips and that not all of them were left out",
      reason: "empty",
    });
  }
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < kinds.length) continue;
    throw new KdcError({
      where,
      what: `clip ${i} has label ${labels[i]}, the ${kinds.length} kinds are 0 to ${kinds.length - 1}`,
      remedy: "Make the labels with labelIndices from the same list of kinds",
      reason: "unknown-label",
    });
  }
}

function exclusionWarnings(
  frequent: KindScores,
  clips: number,
  excluded: Readonly<Record<string, string>>,
): readonly string[] {
  const names = Object.keys(excluded);
  if (frequent.positives === clips) {
    return [
      `all ${clips} clips are labelled ${frequent.kind}: accuracy is only that kind's recall, and mAP, AUC and d-prime do not exist`,
    ];
  }
  return names.length === 0
    ? []
    : [`${names.length} kinds have no clips here and take no part in mAP and AUC: ${names.join(", ")}`];
}
