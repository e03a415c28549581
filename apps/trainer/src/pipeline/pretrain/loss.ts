import type {
  Encoded,
  EncodedView,
  Evidence,
  FloatTensor,
  HostPatches,
  HostView,
  LossReport,
  Patches,
  Stream,
  View,
} from "@kdc-mae/core";
import type { LossInParts } from "@kdc-mae/engine";
import type { Objective, ObjectiveParts } from "@kdc-mae/losses";
import type { PretrainOptions as ForwardOptions, ModelConfig, ModelParams } from "@kdc-mae/model";
import { encodeViews, features, pretrainForward } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { CheckedExperiment } from "../experiment/schema.js";

/** Everything pretraining learns: the model, and the weighting's own numbers where it has some. */
export type PretrainParams<Leaf> = {
  readonly model: ModelParams<Leaf>;
  readonly weighting: { readonly [group: string]: { readonly [term: string]: Leaf } };
};

/** What one step sees. `teacher` is the moving-average encoder, which gets no gradient. */
export type PretrainBatch = {
  readonly patches: Patches;
  readonly views: readonly View[];
  /** Views of the contrast alone, where it has a pattern of its own. */
  readonly contrast?: readonly View[];
  readonly teacher?: { readonly encoder: ModelParams<Tensor>["encoder"] };
  /** In its place: what a trained model makes of the whole clips, `[B, 1, D]`. */
  readonly taught?: Pick<Encoded, Stream>;
};

/** {@link PretrainBatch} in ordinary memory. */
export type HostPretrainBatch = {
  readonly patches: HostPatches;
  readonly views: readonly HostView[];
  readonly contrast?: readonly HostView[];
  readonly teacher?: { readonly encoder: ModelParams<FloatTensor>["encoder"] };
  readonly taught?: Readonly<Record<Stream, FloatTensor>>;
};

/** How an experiment runs the model forward: departures it repeats, and what its gradients find kept. */
export const forwardOf = ({ compat, training }: Pick<CheckedExperiment, "compat" | "training">): ForwardOptions => ({
  compat,
  keep: training.gradientCheckpointing === "blocks" ? "inputs" : "all",
});

/** What the model and the teacher make of a batch, as far as the objective looks at it. */
const evidenceOf =
  (config: ModelConfig, { needs }: Objective, options: ForwardOptions) =>
  ({ model }: PretrainParams<Tensor>, { patches, views, contrast = [], teacher, taught }: PretrainBatch): Evidence => {
    const own = (): readonly EncodedView[] => {
      const encoded = encodeViews(config, model.encoder, patches, contrast, options);
      return contrast.map((view, index) => ({ view, encoded: encoded[index] }));
    };
    return {
      ...pretrainForward(config, model, patches, views, options),
      ...(teacher && needs.teacher ? { teacher: encodeViews(config, teacher.encoder, patches, views, options) } : {}),
      ...(taught && needs.teacher ? { teacher: views.map(() => taught) } : {}),
      ...(teacher && needs.whole ? { whole: features(config, teacher, patches) } : {}),
      ...(contrast.length > 0 ? { contrast: own() } : {}),
    };
  };

/**
 * The whole pretraining objective as one tfjs function of parameters and a batch.
 *
 * @param options departures of the released code to repeat, and what a gradient finds kept
 */
export const pretrainLoss = (config: ModelConfig, objective: Objective, options: ForwardOptions = {}) => {
  const evidence = evidenceOf(config, objective, options);
  return (params: PretrainParams<Tensor>, batch: PretrainBatch): LossReport =>
    objective.compute(evidence(params, batch), params.weighting);
};

/** The same for several batches that count as one. Views come with their batch, so both runs of it hide the same. */
export const pretrainLossInParts = (
  config: ModelConfig,
  objective: Objective,
  options: ForwardOptions = {},
): LossInParts<PretrainParams<Tensor>, PretrainBatch, ObjectiveParts> => {
  const evidence = evidenceOf(config, objective, options);
  return {
    part: (params, batch) => objective.part(evidence(params, batch)),
    whole: ({ weighting }, parts) => objective.whole(parts, weighting),
  };
};
