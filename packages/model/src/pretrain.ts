import type { Evidence, Patches, View, ViewEvidence } from "@kdc-mae/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { departsBy, type PretrainOptions } from "./compat.js";
import type { ModelConfig } from "./config.js";
import { decode, predictedTokens } from "./decoder.js";
import { encodedOfView, encodeGroup } from "./encode-views.js";
import { expectPatches } from "./expect-patches.js";
import type { ModelParams } from "./params.js";
import { patchLogProbabilities } from "./sampler.js";
import { both, expectViews, groupViews, tokensOfView, visibleAsBatch } from "./view-groups.js";

/**
 * Encodes and decodes every view of a batch. Views that show equally many patches run as one batch of B·V.
 *
 * @param patches audio `[B, Na, Pa]`, visual `[B, Nv, Pv]`
 * @param views V views; `visible [B, K]` and `hidden [B, N−K]` for each modality
 * @returns per view its tokens and reconstructions, and where the model has such networks the predicted tokens of a
 * teacher and the sampler's log-probabilities
 * @throws KdcError where a shape does not fit the config
 *
 * @example
 * ```ts
 * import type { Patches, View } from "@kdc-mae/core";
 * import { type ModelParams, presets, pretrainForward } from "@kdc-mae/model";
 * import { mean, type Scalar, squaredDifference, type Tensor } from "@tensorflow/tfjs-core";
 *
 * // How far off the first view's pictures are, of patches audio [B, 48, 256] and visual [B, 64, 192].
 * const error = (params: ModelParams<Tensor>, patches: Patches, views: readonly View[]): Scalar => {
 *   const evidence = pretrainForward(presets.tiny, params, patches, views);
 *   return mean(squaredDifference(evidence.views[0].reconstruction.visual, patches.visual)); // both [B, 64, 192]
 * };
 * ```
 */
export function pretrainForward(
  config: ModelConfig,
  params: ModelParams<Tensor>,
  patches: Patches,
  views: readonly View[],
  options: PretrainOptions = {},
): Evidence {
  expectViews("pretrainForward", config, expectPatches("pretrainForward", config, patches), views);
  const misplaced = departsBy(options.compat, "misplaced-views");
  const made: ViewEvidence[] = [];
  for (const group of groupViews(views)) {
    const V = group.views.length;
    const encoded = encodeGroup(config, params.encoder, patches, group, options);
    const seats = visibleAsBatch(misplaced ? group.views.map(() => group.views[0]) : group.views);
    const reconstruction = decode(config, params.decoder, encoded.joint, seats, options.keep);
    const prediction = predictedTokens(config, params, encoded.joint, visibleAsBatch(group.views), options.keep);
    for (const [v, index] of group.indices.entries()) {
      made[index] = {
        view: views[index],
        encoded: encodedOfView(encoded, V, v),
        reconstruction: both((modality) => tokensOfView(reconstruction[modality], V, v)),
        ...(prediction && { prediction: both((modality) => tokensOfView(prediction[modality], V, v)) }),
      };
    }
  }
  const { encoder, sampler } = params;
  const sampling = sampler === undefined ? {} : { sampling: patchLogProbabilities(config, encoder, sampler, patches) };
  return { patches, views: made, ...sampling };
}
