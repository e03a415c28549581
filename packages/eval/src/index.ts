export {
  type BootstrapOptions,
  bootstrap,
  type Interval,
  mapInterval,
  meanOf,
  medianOf,
  type Statistic,
} from "./bootstrap.js";
export { averageFrames } from "./classification/average-frames.js";
export {
  averagePrecision,
  microPrecisionRecall,
  type PrecisionRecall,
  precisionRecallCurve,
} from "./classification/average-precision.js";
export { type CalibrationBin, calibration } from "./classification/calibration.js";
export { chanceAveragePrecision } from "./classification/chance.js";
export {
  type ClassificationInput,
  type ClassificationResult,
  classification,
  type KindRow,
} from "./classification/classification.js";
export { type FewShotResult, fewShot, type ShotScores } from "./classification/few-shot.js";
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
export { knnProbe, neighbourVotes } from "./classification/nearest-neighbours.js";
export { type Ranked, rank } from "./classification/ranked.js";
export { dPrime, rocAuc } from "./classification/roc.js";
export { type TaggingInput, type TaggingResult, tagging } from "./classification/tagging.js";
export {
  type ArmRun,
  type ArmToCompare,
  type Comparison,
  type ComparisonInput,
  compareArms,
  type FigureToCompare,
  type RunCost,
  type TableRequest,
} from "./comparison/compare.js";
export { comparisonCsv } from "./comparison/comparison-csv.js";
export { comparisonHtml } from "./comparison/comparison-html.js";
export { comparisonMarkdown } from "./comparison/comparison-markdown.js";
export { holm, type PairedDifference, pairedDifference, type SeedValue } from "./comparison/paired-difference.js";
export { type MeanInterval, studentQuantile, tInterval } from "./comparison/t-interval.js";
export { type Embed, embedAll } from "./embed.js";
export { type ByGroup, byGroup, type GroupFigure } from "./groups/by-group.js";
export type { Evaluated, Head } from "./head.js";
export { denormalizePatches, type Values } from "./inpainting/denormalize.js";
export {
  type HiddenErrors,
  hiddenErrors,
  type InpaintedBatch,
  meanFillPatch,
  type PixelUnits,
} from "./inpainting/hidden-error.js";
export {
  type InpaintingInput,
  type InpaintingResult,
  inpainting,
  type ModalityInpainting,
  type PixelTargets,
  standardUnits,
} from "./inpainting/inpainting.js";
export { boxAfterFit, boxAt, boxMask, centreBox, type Size } from "./localization/box.js";
export type { Detection, DetectionScores } from "./localization/detection.js";
export {
  type LocalizationClip,
  type LocalizationInput,
  type LocalizationResult,
  type LocalizedStep,
  localization,
  type PointingScores,
} from "./localization/localization.js";
export type { LocalizationStep, MapSizes, Overlaps, StepScores } from "./localization/score-step.js";
export { ezVsl, plainIoU, type Scoring, successArea } from "./localization/scoring.js";
export { similarityMap } from "./localization/similarity-map.js";
export { minMax, upsampleBilinear, upsampleNearest } from "./localization/upsample.js";
export { type Matrix, matrix, takeRows } from "./matrix.js";
export { type PermutationTest, pairedPermutation } from "./permutation.js";
export { attentionEntropy } from "./probes/attention-entropy.js";
export { type CollapseRule, type CollapseSign, collapseRule, collapseSigns } from "./probes/collapse.js";
export { type HeldOutAccuracy, heldOutAccuracy } from "./probes/held-out-accuracy.js";
export { type OfStreams, type Probe, probeEmbeddings } from "./probes/probe.js";
export { rankMe, singularValues } from "./probes/rank-me.js";
export { alignment, channelDeviations, uniformity } from "./probes/sphere.js";
export { findProtocol, type Protocol, printProtocol, type Task, varyProtocol } from "./protocol.js";
export { protocols } from "./protocols.js";
export { type ColourMap, heatColours, type Rgb, spectrumColours } from "./report/colour-map.js";
export { beatsBaseline, type HeadlineRow, headline } from "./report/headline.js";
export { durationText, intervalText, type NumberKind, numberText } from "./report/number-text.js";
export {
  boxPicture,
  framePicture,
  heatPicture,
  joinPictures,
  maskedPicture,
  type Picture,
  spectrogramPicture,
  spectrogramRange,
} from "./report/pictures.js";
export { type Deflate, encodePng, pngDataUri } from "./report/png.js";
export { reportHtml } from "./report/report-html.js";
export type {
  ClipPictures,
  Image,
  ImagePair,
  InpaintingStrip,
  ReelStep,
  ReportInput,
  RetrievalExample,
} from "./report/report-input.js";
export { reportMarkdown } from "./report/report-markdown.js";
export { reportJson, reportRecord } from "./report/report-record.js";
export { resultsMteb } from "./report/results/mteb.js";
export {
  type FailedProtocol,
  type Results,
  resultsHtml,
  resultsJson,
  resultsMarkdown,
  resultsText,
} from "./report/results/results.js";
export {
  classificationSection,
  type Figure,
  fewShotSection,
  inpaintingSection,
  localizationSection,
  type ResultSection,
  type ResultTable,
  retrievalSection,
  taggingSection,
  vggSounderSection,
} from "./report/results/section.js";
export { type PlayedFile, type SearchPage, searchHtml } from "./report/search-page.js";
export { alignedTable } from "./report/table-text.js";
export { type Neighbour, neighbours } from "./retrieval/neighbours.js";
export { choosePerClass } from "./retrieval/per-class.js";
export {
  type CrossModalRanks,
  crossModalRanks,
  crossModalRanksBy,
  type Multiply,
  type Ranks,
} from "./retrieval/ranks.js";
export { type DirectionScores, type RetrievalInput, type RetrievalResult, retrieval } from "./retrieval/retrieval.js";
export { type Perceived, readVggSounder, type VggSounderClip } from "./vggsounder/read-labels.js";
export { type VggSounderResult, vggSounder } from "./vggsounder/vggsounder.js";
