/**
 * What a run is made of, without files, processes or a terminal: what the command line and a page have in common.
 * Loads nothing that needs Node.
 */
export { type StoredClip, storeClip } from "@kdc-mae/data";
export { type ClipForm, clipFormFor, frontEndOf } from "./pipeline/corpus/clip-form.js";
export { heldClips } from "./pipeline/corpus/held-clips.js";
export type { Statistics } from "./pipeline/corpus/statistics.js";
export { embedFunction } from "./pipeline/evaluate/embedding.js";
export { columnsNear, meanRows, momentsFunction } from "./pipeline/evaluate/moments.js";
export { reconstructFunction } from "./pipeline/evaluate/reconstruct.js";
export { usesNormPixels } from "./pipeline/evaluate/run-in-words.js";
export { checkExperiment } from "./pipeline/experiment/check.js";
export { named } from "./pipeline/experiment/named.js";
export type { CheckedExperiment, Experiment } from "./pipeline/experiment/schema.js";
export { flopPerClip } from "./pipeline/pretrain/flop-per-clip.js";
export { forwardOf, type PretrainParams, pretrainLoss } from "./pipeline/pretrain/loss.js";
export { type BatchSource, maskedBatches } from "./pipeline/pretrain/masked-batches.js";
export { maskerFor } from "./pipeline/pretrain/masker.js";
export { objectiveFor, teacherOf } from "./pipeline/pretrain/objective.js";
export { configFor, modelIn, modelNotes, type SavedModel } from "./pipeline/run/model-file.js";
export { pairingOf } from "./pipeline/run/pairing.js";
export { optimizerFor } from "./pipeline/train/optimizer.js";
export { learningRateAt } from "./pipeline/train/schedule.js";
