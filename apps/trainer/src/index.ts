export type { StoredClip } from "@kdc-mae/data";
export { protocolRecords as runnableProtocols } from "@kdc-mae/eval";
export { type ParityReport, parity } from "./parity/parity.js";
export { type AblationOptions, ablate } from "./pipeline/ablate/ablate.js";
export { workOutArms } from "./pipeline/ablate/arms.js";
export { loadAblation } from "./pipeline/ablate/load.js";
export type { Ablation } from "./pipeline/ablate/schema.js";
export { type ClipForm, clipFormFor } from "./pipeline/corpus/clip-form.js";
export { type ClipSet, openSplitSets as openData, type SplitSets } from "./pipeline/corpus/clip-set.js";
export { type DemoOptions, demo } from "./pipeline/demo/demo.js";
export type { FileResults, UnusedFile } from "./pipeline/each-file.js";
export { type EmbedFilesOptions, embedFiles, embedFileWindows } from "./pipeline/embed/embed-each-file.js";
export { createFileEmbedder, type FileEmbedder, type FileEmbedding } from "./pipeline/embed/embed-files.js";
export * from "./pipeline/embed/embedder.js";
export * from "./pipeline/embed/streaming-embedder.js";
export type { DataChoice } from "./pipeline/evaluate/chosen-data.js";
export type { EvaluatingOptions } from "./pipeline/evaluate/open-subject.js";
export { type PictureReport, reportOn } from "./pipeline/evaluate/picture-report.js";
export type { ScoredLabel } from "./pipeline/evaluate/predict.js";
export { type EvaluatedProtocols, type EvaluateOptions, evaluate } from "./pipeline/evaluate/under-protocols.js";
export { checkExperiment } from "./pipeline/experiment/check.js";
export { loadExperiment } from "./pipeline/experiment/load.js";
export { named } from "./pipeline/experiment/named.js";
export type { CheckedExperiment, Experiment, ExperimentFile } from "./pipeline/experiment/schema.js";
export { type ExploreOptions, explore } from "./pipeline/explore/open-explorer.js";
export { type ExportGraphsOptions, exportGraphs, type WrittenGraph } from "./pipeline/export/export-graphs.js";
export {
  type ClassifiedFile,
  type ClassifyOptions,
  classify,
} from "./pipeline/films/classify-files.js";
export type { HoleError } from "./pipeline/films/fill-window.js";
export type { Hole } from "./pipeline/films/hole.js";
export { type InpaintedFile, type InpaintOptions, inpaint } from "./pipeline/films/inpaint-files.js";
export {
  type LocalizedFile,
  type LocalizeOptions,
  type LocatedStep,
  localize,
} from "./pipeline/films/localize-files.js";
export {
  type StreamedMedia,
  type StreamedWindow,
  type StreamMediaOptions,
  stream,
} from "./pipeline/films/stream-media.js";
export { type FineTuning, type FinetuneFromOptions, finetune } from "./pipeline/finetune/from-experiment.js";
export { loadFineTuning, namedFineTunings } from "./pipeline/finetune/named.js";
export type { CheckedFineTuning, FineTuningFile } from "./pipeline/finetune/schema.js";
export { readEvents } from "./pipeline/log/events-file.js";
export { type MlflowOptions, mlflowLogger } from "./pipeline/log/mlflow.js";
export type { RunAbout, RunLogger, RunPicture, RunRecord } from "./pipeline/log/run-logger.js";
export { tensorBoardLogger } from "./pipeline/log/tensorboard.js";
export { type PrepareSetOptions, prepareSet as prepare } from "./pipeline/prepare/prepare-set.js";
export { type SurveyDataOptions, type SurveyedData, surveyData as survey } from "./pipeline/prepare/survey-data.js";
export { type PretrainFromOptions, type Pretraining, pretrain } from "./pipeline/pretrain/from-experiment.js";
export { type Assume, type Assumption, readAssume } from "./pipeline/run/assume.js";
export type { SavedClassifier } from "./pipeline/run/classifier-file.js";
export { type ConvertedModel, convertModel } from "./pipeline/run/convert.js";
export type { SavedModel } from "./pipeline/run/model-file.js";
export { type ReadOptions, readSaved as loadModel, type Saved } from "./pipeline/run/read-saved.js";
export { type IndexedFolder, type IndexFolderOptions, indexFolder } from "./pipeline/search/index-folder.js";
export { type SearchClipsOptions, searchClips } from "./pipeline/search/search-clips.js";
export type { ServedPage } from "./pipeline/serve-here.js";
export { type CardOptions, runCard } from "./pipeline/share/card.js";
export { type PushOptions, pull, push } from "./pipeline/share/hub.js";
export type { HubAccess } from "./pipeline/share/hub-address.js";
export {
  type ComparedModel,
  type CompareOptions,
  compareModels,
  type MeasuredFigure,
} from "./pipeline/small/compare-models.js";
export { type Distillation, type DistillOptions, distill } from "./pipeline/small/distill.js";
export { type PruneOptions, type Pruning, prune } from "./pipeline/small/prune.js";
export type { Progress, Surroundings } from "./pipeline/surroundings.js";
export { serveRuns } from "./pipeline/watch/serve-runs.js";
export { writeWatchPage } from "./pipeline/watch/watch-page.js";
