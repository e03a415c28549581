/**
 * What a run is made of, without files, processes or a terminal: what the command line and a page have in common.
 * Loads nothing that needs Node.
 */
export { measureStatistics, type Statistics } from "./pipeline/corpus/batch.js";
export { type FrontEnd, frontEndFor } from "./pipeline/corpus/front-end.js";
export { type StoredClip, storeClip } from "./pipeline/corpus/stored-clip.js";
export { embedFunction } from "./pipeline/evaluate/embedding.js";
export { columnsNear, meanRows, momentsFunction } from "./pipeline/evaluate/moments.js";
export { checkExperiment } from "./pipeline/experiment/check.js";
export { named } from "./pipeline/experiment/named.js";
export type { CheckedExperiment, Experiment } from "./pipeline/experiment/schema.js";
export type { BatchSource } from "./pipeline/pretrain/batch-source.js";
export { type PretrainParams, pretrainLoss } from "./pipeline/pretrain/loss.js";
export { maskerFor } from "./pipeline/pretrain/masker.js";
export { memorySourceFor } from "./pipeline/pretrain/memory-source.js";
export { objectiveFor } from "./pipeline/pretrain/objective.js";
export { configFor, modelIn, modelNotes, type SavedModel } from "./pipeline/run/model-file.js";
export { learningRateAt } from "./pipeline/train/schedule.js";
