import { KdcError } from "@kdc-mae/core";
import { expectGiven } from "../given.js";
import { expectMatrix, type Matrix, takeRows } from "../matrix.js";
import { findProtocol, varyProtocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import type { Recordings } from "../recordings.js";
import {
  argmaxRows,
  type ClassificationInput,
  type ClassificationResult,
  checkLabels,
  classification,
} from "./classification.js";
import { heldInWords, holdOut } from "./hold-out.js";
import { rankKinds } from "./kind-scores.js";
import { oneHot } from "./labels.js";
import { type Fit, fitLinear, type LinearClassifier, predictLinear } from "./linear-classifier.js";
import { sigmoidLink, softmaxLink } from "./link.js";

/** Features `[N, D]` with one label (place among the kinds) each. */
export type LabelledRows = {
  readonly features: Matrix;
  readonly labels: ArrayLike<number>;
  /** Which recording each is a part of, where clips are parts of fewer: what is set aside is whole recordings. */
  readonly recordings?: Recordings;
};
/** Features `[N, D]` with 0/1 targets `[N, C]`. */
export type TaggedRows = { readonly features: Matrix; readonly targets: Matrix };

/** A strength that was tried: what it gave on the validation clips. */
export type Tried = { readonly l2: number; readonly score: number; readonly loss: number; readonly converged: boolean };

/** A fitted linear classifier, the strength of regularisation that was chosen, and those that were tried. */
export type LinearProbe = {
  readonly classifier: LinearClassifier;
  readonly l2: number;
  readonly tried: readonly Tried[];
};

const defaultStrengths = [1, 0.1, 0.01, 0.001, 0.0001];

type Splits = { readonly train: TaggedRows; readonly validation: TaggedRows };

/** Fits every strength on train, takes the best score on validation, then the lowest loss. */
function choose(
  splits: Splits,
  strengths: readonly number[],
  link: typeof softmaxLink,
  score: (p: Matrix, t: Matrix) => number,
): LinearProbe {
  const { features, targets } = splits.validation;
  const tried = fitLinear(link, splits.train.features, splits.train.targets, strengths).map((fit: Fit) => {
    const probabilities = predictLinear(fit.classifier, features);
    let loss = 0;
    for (let i = 0; i < targets.data.length; i++) loss += link.loss(targets.data[i], probabilities.data[i]);
    return { fit, score: score(probabilities, targets), loss: loss / features.shape[0] };
  });
  const best = tried.reduce((most, one) =>
    one.score > most.score || (one.score === most.score && one.loss < most.loss) ? one : most,
  );
  return {
    classifier: best.fit.classifier,
    l2: best.fit.l2,
    tried: tried.map(({ fit: { l2, converged }, score: value, loss }) => ({ l2, score: value, loss, converged })),
  };
}

function accuracyOf(probabilities: Matrix, targets: Matrix): number {
  const kinds = targets.shape[1];
  const hits = argmaxRows(probabilities).reduce((sum, kind, i) => sum + targets.data[i * kinds + kind], 0);
  return hits / probabilities.shape[0];
}

const setAside = ({ labels, recordings }: LabelledRows) => holdOut(labels, { recordings });

/**
 * Multinomial logistic regression on frozen features, its L2 strength chosen on validation clips (where none are given, a
 * fifth of the training clips of every kind, whole recordings of them; see `holdOut`) by accuracy. Deterministic.
 *
 * @throws KdcError (`single-class`) when the training clips have only one kind; for empty splits, unknown labels, NaN
 */
export function fitLinearProbe(input: {
  readonly kinds: readonly string[];
  readonly train: LabelledRows;
  readonly validation?: LabelledRows;
  readonly strengths?: readonly number[];
}): LinearProbe {
  const where = "fitLinearProbe";
  expectGiven(where, input, "kinds", "train");
  const { kinds, train, validation } = input;
  const { D } = expectMatrix(where, "train features", train.features, "N D", { N: train.labels.length });
  checkLabels(where, train.labels, kinds);
  if (new Set(Array.from(train.labels)).size < 2) {
    throw new KdcError({
      where,
      what: `all ${train.labels.length} training clips are labelled ${kinds[train.labels[0]]}`,
      remedy: "Train on clips of at least two kinds",
      reason: "single-class",
    });
  }
  if (validation !== undefined) {
    expectMatrix(where, "validation features", validation.features, "N D", { N: validation.labels.length, D });
    checkLabels(where, validation.labels, kinds);
  }
  const rows = ({ features, labels }: LabelledRows): TaggedRows => ({
    features,
    targets: oneHot(labels, kinds.length),
  });
  const part = (indices: Int32Array): TaggedRows =>
    rows({ features: takeRows(train.features, indices), labels: indices.map((index) => train.labels[index]) });
  const { kept, held } = setAside(train);
  const splits =
    validation === undefined && held.length > 0
      ? { train: part(kept), validation: part(held) }
      : { train: rows(train), validation: rows(validation ?? train) };
  return choose(splits, input.strengths ?? defaultStrengths, softmaxLink, accuracyOf);
}

/**
 * The same for any number of labels per clip: one logistic regression per kind, strength chosen by mAP on the
 * validation clips.
 */
export function fitTaggingProbe(input: {
  readonly kinds: readonly string[];
  readonly train: TaggedRows;
  readonly validation: TaggedRows;
  readonly strengths?: readonly number[];
}): LinearProbe {
  const where = "fitTaggingProbe";
  const C = input.kinds.length;
  const { D } = expectMatrix(where, "train features", input.train.features, "N D", { N: input.train.targets.shape[0] });
  expectMatrix(where, "validation features", input.validation.features, "N D", {
    N: input.validation.targets.shape[0],
    D,
  });
  expectMatrix(where, "train targets", input.train.targets, "N C", { C });
  expectMatrix(where, "validation targets", input.validation.targets, "N C", { C });
  const score = (probabilities: Matrix, targets: Matrix) => rankKinds(input.kinds, probabilities, targets).mAP ?? 0;
  return choose(input, input.strengths ?? defaultStrengths, sigmoidLink, score);
}

/** A classification result with the strength that was chosen, and how. */
export type LinearProbeResult = ClassificationResult & { readonly l2: number; readonly tried: readonly Tried[] };

/**
 * Fits a linear probe and scores it on test clips: the whole of one classification figure in one call.
 *
 * @example
 * ```ts
 * import { linearProbe, matrix } from "@kdc-mae/eval";
 *
 * const train = { features: matrix(4, 1, Float32Array.of(-2, -1, 1, 2)), labels: [0, 0, 1, 1] };
 * const test = { features: matrix(2, 1, Float32Array.of(-3, 3)), labels: [0, 1] };
 * const { accuracy, l2 } = linearProbe({ kinds: ["bell", "drum"], train, test });
 * ```
 */
export function linearProbe(
  input: Omit<ClassificationInput, "probabilities" | "labels"> & {
    readonly train: LabelledRows;
    readonly validation?: LabelledRows;
    readonly test: LabelledRows;
    readonly strengths?: readonly number[];
  },
): LinearProbeResult {
  const { classifier, l2, tried } = fitLinearProbe(input);
  const result = classification({
    ...input,
    protocol: input.protocol ?? findProtocol(protocols, "linear-probe-joint"),
    probabilities: predictLinear(classifier, input.test.features),
    labels: input.test.labels,
  });
  const { train, validation } = input;
  const source =
    validation === undefined
      ? heldInWords(setAside(train).held, train.labels.length, train.recordings)
      : "the validation clips";
  const protocol = varyProtocol(result.protocol, {
    name: result.protocol.name,
    notes: [`l2 = ${l2}, chosen among ${tried.map((one) => one.l2).join(", ")} on ${source}`],
  });
  return { ...result, protocol, l2, tried };
}
