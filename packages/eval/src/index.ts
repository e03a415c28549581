export { type BootstrapOptions, bootstrap, type Interval } from "./bootstrap.js";
export { averageFrames } from "./classification/average-frames.js";
export { type CalibrationBin, calibration } from "./classification/calibration.js";
export { chanceAveragePrecision } from "./classification/chance.js";
export {
  type ClassificationInput,
  type ClassificationResult,
  classification,
  type KindRow,
} from "./classification/classification.js";
export { type FewShotResult, fewShot, type ShotScores } from "./classification/few-shot.js";
export { heldInWords, holdOut } from "./classification/hold-out.js";
export type { KindScores } from "./classification/kind-scores.js";
export { kindsOf, labelIndices, labelTargets } from "./classification/labels.js";
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
export { knnProbe } from "./classification/nearest-neighbours.js";
export { type Ranked, rank } from "./classification/ranked.js";
export { type TaggingInput, type TaggingResult, tagging } from "./classification/tagging.js";
export {
  type ArmRun,
  type ArmToCompare,
  type Comparison,
  type ComparisonInput,
  compareArms,
  type FigureToCompare,
  type RunCost,
} from "./comparison/compare.js";
export type { PairedDifference, SeedValue } from "./comparison/paired-difference.js";
export type { MeanInterval } from "./comparison/t-interval.js";
export { type Embed, embedAll } from "./embed.js";
export { type Figure, figuresOf, type HeadResult, locatedClips, type Over, overOf } from "./figures.js";
export { type ByGroup, byGroup, type Gap, type GroupFigure } from "./groups/by-group.js";
export { type GroupedFigure, type GroupedFigures, groupFigures } from "./groups/group-figures.js";
export type { Evaluated, Head } from "./head.js";
export { denormalizePatches, type Values } from "./inpainting/denormalize.js";
export { type HiddenErrors, hiddenErrors, type InpaintedBatch, type PixelUnits } from "./inpainting/hidden-error.js";
export {
  type InpaintingInput,
  type InpaintingResult,
  inpainting,
  type ModalityInpainting,
  type PixelTargets,
  standardUnits,
} from "./inpainting/inpainting.js";
export { boxAfterFit, boxAt, type Size } from "./localization/box.js";
export type { Detection, DetectionScores } from "./localization/detection.js";
export {
  type LocalizationClip,
  type LocalizationInput,
  type LocalizationResult,
  type LocalizedStep,
  localization,
  type PointingScores,
} from "./localization/localization.js";
export { centreSquare, type PeakRegion, peakRegion } from "./localization/peak-region.js";
export type { LocalizationStep, MapSizes, Overlaps, StepScores } from "./localization/score-step.js";
export { ezVsl, plainIoU, type Scoring } from "./localization/scoring.js";
export { similarityMap } from "./localization/similarity-map.js";
export { minMax, upsampleBilinear } from "./localization/upsample.js";
export { type Matrix, matrix, takeRows } from "./matrix.js";
export { type PermutationTest, pairedPermutation } from "./permutation.js";
export { attentionEntropy } from "./probes/attention-entropy.js";
export { type CollapseRule, type CollapseSign, collapseSigns } from "./probes/collapse.js";
export { type HeldOutAccuracy, heldOutAccuracy } from "./probes/held-out-accuracy.js";
export { type OfStreams, type Probe, probeEmbeddings } from "./probes/probe.js";
export { rankMe } from "./probes/rank-me.js";
export { alignment, channelDeviations, uniformity } from "./probes/sphere.js";
export { findProtocol, type Protocol, printProtocol, type Task, varyProtocol } from "./protocol.js";
export { type Conduct, inpaintingProtocol, type ProtocolRecord, protocolRecords, protocols } from "./protocols.js";
export { type Recordings, recordingNumbers } from "./recordings.js";
export { type FrameEmbeddings, type FrameReduction, frameRanks } from "./retrieval/frame-ranks.js";
export { type Neighbour, neighbours } from "./retrieval/neighbours.js";
export { choosePerClass } from "./retrieval/per-class.js";
export {
  type CrossModalRanks,
  crossModalRanks,
  crossModalRanksBy,
  type DirectionRanks,
  type Multiply,
} from "./retrieval/ranks.js";
export { type DirectionScores, type RetrievalInput, type RetrievalResult, retrieval } from "./retrieval/retrieval.js";
export { type Perceived, readVggSounder, type VggSounderClip } from "./vggsounder/read-labels.js";
export { type VggSounderResult, vggSounder } from "./vggsounder/vggsounder.js";
