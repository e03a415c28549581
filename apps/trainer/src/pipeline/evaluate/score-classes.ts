import { KdcError } from "@kdc-mae/core";
import {
  type BootstrapOptions,
  type ClassificationResult,
  classification,
  labelIndices,
  labelTargets,
  type Protocol,
  type TaggingResult,
  tagging,
} from "@kdc-mae/eval";
import type { Link, Predicted } from "./predict.js";

/** Figures of predictions: of one label per clip, or of any number. */
export type ClassScores = ClassificationResult | TaggingResult;

/** True where each clip had one label. */
export const isSingleLabel = (result: ClassScores): result is ClassificationResult => "accuracy" in result;

/**
 * Scores predictions as their loss was trained: softmax by accuracy and its relatives, sigmoid by mAP.
 *
 * @throws KdcError for labels that are not among the classes, a clip with other than one label under softmax, NaN
 */
export function scoreClasses(
  classes: readonly string[],
  link: Link,
  { scores, labels }: Predicted,
  rest: {
    readonly protocol?: Protocol;
    readonly leftOut?: Readonly<Record<string, number>>;
    readonly intervals?: BootstrapOptions;
  } = {},
): ClassScores {
  if (link === "sigmoid") return tagging({ ...rest, kinds: classes, scores, targets: labelTargets(classes, labels) });
  return classification({
    ...rest,
    kinds: classes,
    probabilities: scores,
    labels: labelIndices(classes, oneLabelEach("evaluation clips", labels)),
  });
}

/**
 * The one label of each clip.
 *
 * @throws KdcError for a clip with none or several
 */
export function oneLabelEach(where: string, labels: readonly (readonly string[])[]): readonly string[] {
  const at = labels.findIndex((own) => own.length !== 1);
  if (at < 0) return labels.map(([label]) => label);
  throw new KdcError({
    where,
    what: `clip ${at} has ${labels[at].length === 0 ? "no label" : `${labels[at].length} labels (${labels[at].join(", ")})`}, and cross-entropy takes exactly one`,
    remedy: "Label every clip once, or set loss.kind to binary-cross-entropy",
    reason: "labels",
  });
}
