export { type BootstrapOptions, bootstrap, type Interval, meanOf, medianOf, type Statistic } from "./bootstrap.js";
export { averageFrames } from "./classification/average-frames.js";
export { averagePrecision, type PrecisionRecall, precisionRecallCurve } from "./classification/average-precision.js";
export { type CalibrationBin, calibration } from "./classification/calibration.js";
export {
  type ClassificationInput,
  type ClassificationResult,
  classification,
  type KindRow,
} from "./classification/classification.js";
export { holdOut } from "./classification/hold-out.js";
export type { KindScores } from "./classification/kind-scores.js";
export { kindsOf, labelIndices, labelTargets, oneHot } from "./classification/labels.js";
export { type LinearClassifier, predictLinear } from "./classification/linear-classifier.js";
export {
  fitLinearProbe,
  fitTaggingProbe,
  type LabelledRows,
  type LinearProbe,
  type LinearProbeResult,
  linearProbe,
  type TaggedRows,
  type Tried,
} from "./classification/linear-probe.js";
export { type Ranked, rank } from "./classification/ranked.js";
export { dPrime, rocAuc } from "./classification/roc.js";
export { type TaggingInput, type TaggingResult, tagging } from "./classification/tagging.js";
export type { Evaluated, Head } from "./head.js";
export { type Matrix, matrix, takeRows } from "./matrix.js";
export { type PermutationTest, pairedPermutation } from "./permutation.js";
export { findProtocol, type Protocol, printProtocol, type Task, varyProtocol } from "./protocol.js";
export { protocols } from "./protocols.js";
export { type Neighbour, neighbours } from "./retrieval/neighbours.js";
export { choosePerClass } from "./retrieval/per-class.js";
export { crossModalRanks, type Ranks } from "./retrieval/ranks.js";
export { type DirectionScores, type RetrievalInput, type RetrievalResult, retrieval } from "./retrieval/retrieval.js";
