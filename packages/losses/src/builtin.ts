import type { LossTerm } from "./term.js";
import { type ContrastiveOptions, contrastive } from "./terms/contrastive.js";
import { type LatentPredictionOptions, latentPrediction } from "./terms/latent-prediction.js";
import {
  audioReconstruction,
  type ReconstructionOptions,
  visualReconstruction,
} from "./terms/masked-reconstruction.js";
import { type PatchSamplingOptions, patchSampling } from "./terms/patch-sampling.js";
import {
  type TeacherCosineOptions,
  type TeacherRelationsOptions,
  teacherCosine,
  teacherRelations,
} from "./terms/teacher.js";
import { type VarianceCovarianceOptions, varianceCovariance } from "./terms/variance-covariance.js";
import { type DistillationOptions, viewDistillation } from "./terms/view-distillation.js";

/** Options of each built-in term. */
export type BuiltinOptions = {
  readonly "reconstruction-audio": ReconstructionOptions;
  readonly "reconstruction-visual": ReconstructionOptions;
  readonly contrastive: ContrastiveOptions;
  readonly "view-distillation": DistillationOptions;
  readonly "latent-prediction": LatentPredictionOptions;
  readonly "patch-sampling": PatchSamplingOptions;
  readonly "variance-covariance": VarianceCovarianceOptions;
  readonly "teacher-cosine": TeacherCosineOptions;
  readonly "teacher-relations": TeacherRelationsOptions;
};

/**
 * The built-in terms by name, so that an objective may be written as plain data.
 *
 * @example
 * ```ts
 * import { builtinTerms } from "@kdc-mae/losses";
 *
 * builtinTerms["view-distillation"].needs().views; // 2
 * ```
 */
export const builtinTerms: { readonly [Name in keyof BuiltinOptions]: LossTerm<BuiltinOptions[Name]> } = {
  "reconstruction-audio": audioReconstruction,
  "reconstruction-visual": visualReconstruction,
  contrastive,
  "view-distillation": viewDistillation,
  "latent-prediction": latentPrediction,
  "patch-sampling": patchSampling,
  "variance-covariance": varianceCovariance,
  "teacher-cosine": teacherCosine,
  "teacher-relations": teacherRelations,
};

/** An entry of an objective that names a built-in term. */
export type BuiltinEntry = {
  [Name in keyof BuiltinOptions]: {
    readonly term: Name;
    /** Default 1. */
    readonly weight?: number;
    /** Name in the report, where one term is used twice. Default the term's own. */
    readonly name?: string;
    readonly options?: BuiltinOptions[Name];
  };
}[keyof BuiltinOptions];

/** AV-MAE: one view, reconstruction alone. */
export const avMae = [
  { term: "reconstruction-audio", weight: 1 },
  { term: "reconstruction-visual", weight: 1 },
] as const satisfies readonly BuiltinEntry[];

/** CAV-MAE (Gong et al. 2023): and audio and picture of a clip find each other. */
export const cavMae = [...avMae, { term: "contrastive", weight: 0.01 }] as const satisfies readonly BuiltinEntry[];

/**
 * KDC-MAE (Bora et al. 2025): and the views agree.
 *
 * @example
 * ```ts
 * import { kdcMae, objective } from "@kdc-mae/losses";
 *
 * objective(kdcMae).names; // ["reconstruction-audio", "reconstruction-visual", "contrastive", "view-distillation"]
 * ```
 */
export const kdcMae = [...cavMae, { term: "view-distillation", weight: 10 }] as const satisfies readonly BuiltinEntry[];
