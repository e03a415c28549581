export { avMae, type BuiltinEntry, type BuiltinOptions, builtinTerms, cavMae, kdcMae } from "./builtin.js";
export { entry, type Objective, type ObjectiveEntry, objective, type TermEntry } from "./objective.js";
export { aboveZero, expectOptions, flag, type OptionsSchema, strictOptions } from "./options.js";
export type { ObjectiveParts } from "./parts.js";
export type { EncodedStream, LossTerm, Needs } from "./term.js";
export { binaryCrossEntropy, crossEntropy } from "./terms/classification.js";
export { type ContrastiveOptions, contrastive, contrastiveAccuracy, contrastiveLoss } from "./terms/contrastive.js";
export { type LatentPredictionOptions, latentPrediction } from "./terms/latent-prediction.js";
export {
  audioReconstruction,
  normalizePatches,
  type ReconstructionOptions,
  reconstructionPerClip,
  visualReconstruction,
} from "./terms/masked-reconstruction.js";
export { type PatchSamplingOptions, patchSampling } from "./terms/patch-sampling.js";
export {
  type TeacherCosineOptions,
  type TeacherRelationsOptions,
  teacherCosine,
  teacherRelations,
} from "./terms/teacher.js";
export { type VarianceCovarianceOptions, varianceCovariance } from "./terms/variance-covariance.js";
export { type DistillationOptions, distillationPerClip, viewDistillation } from "./terms/view-distillation.js";
export { fixed } from "./weighting/fixed.js";
export { learned } from "./weighting/learned.js";
export { uncertainty } from "./weighting/uncertainty.js";
export type { WeightedTerm, Weighting, WeightingParams } from "./weighting/weighting.js";
