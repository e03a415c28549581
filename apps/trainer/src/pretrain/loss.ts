import type { Encoded, FloatTensor, HostPatches, HostView, LossReport, Patches, View } from "@kdc-mae/core";
import type { Objective } from "@kdc-mae/losses";
import type { Compat, ModelConfig, ModelParams } from "@kdc-mae/model";
import { encodeViews, pretrainForward } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";

/** Everything pretraining learns: the model, and the weighting's own numbers where it has some. */
export type PretrainParams<Leaf> = {
  readonly model: ModelParams<Leaf>;
  readonly weighting: { readonly [group: string]: { readonly [term: string]: Leaf } };
};

/** What one step sees. `teacher` is the moving-average encoder, which gets no gradient. */
export type PretrainBatch = {
  readonly patches: Patches;
  readonly views: readonly View[];
  readonly teacher?: { readonly encoder: ModelParams<Tensor>["encoder"] };
};

/** {@link PretrainBatch} in ordinary memory. */
export type HostPretrainBatch = {
  readonly patches: HostPatches;
  readonly views: readonly HostView[];
  readonly teacher?: { readonly encoder: ModelParams<FloatTensor>["encoder"] };
};

/** The whole pretraining objective as one tfjs function of parameters and a batch. */
export const pretrainLoss =
  (config: ModelConfig, objective: Objective, compat?: Compat) =>
  (params: PretrainParams<Tensor>, batch: PretrainBatch): LossReport => {
    const evidence = pretrainForward(config, params.model, batch.patches, batch.views, { compat });
    const teacher: readonly Encoded[] | undefined =
      batch.teacher && encodeViews(config, batch.teacher.encoder, batch.patches, batch.views, { compat });
    return objective.compute(teacher === undefined ? evidence : { ...evidence, teacher }, params.weighting);
  };
