import { KdcError, type Modality, type Patches, type Stream } from "@kdc-mae/core";
import { add, concat, mean, mul, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs-core";
import type { ModelConfig } from "./config.js";
import { branchTokens } from "./encoder.js";
import { expectPatches } from "./expect-patches.js";
import { jointPass, patchTokens } from "./joint.js";
import { layerNorm } from "./nn/layer-norm.js";
import { linear } from "./nn/linear.js";
import type { ClassifierParams, EncoderParams } from "./params.js";
import { encoderSettings } from "./stream-settings.js";

/**
 * What a classifier looks at. `multimodal`, `audio-only` and `visual-only` are ways to tune and to run;
 * `missing-visual` and `missing-audio` run a multimodally tuned model without the modality they name.
 */
export type ClassifierMode = "multimodal" | "audio-only" | "visual-only" | "missing-audio" | "missing-visual";

/** Our modes under the official code's names, which say what is *given*: `missingaudioonly` has audio alone. */
export const officialModes: Readonly<Record<ClassifierMode, string>> = {
  multimodal: "multimodal",
  "audio-only": "audioonly",
  "visual-only": "videoonly",
  "missing-visual": "missingaudioonly",
  "missing-audio": "missingvideoonly",
};

/** For each mode: the modalities it needs, and the norms it passes them through (several passes are averaged). */
const plans: Readonly<Record<ClassifierMode, { needs: readonly Modality[]; passes: readonly Stream[] }>> = {
  multimodal: { needs: ["audio", "visual"], passes: ["joint"] },
  "audio-only": { needs: ["audio"], passes: ["audio"] },
  "visual-only": { needs: ["visual"], passes: ["visual"] },
  "missing-visual": { needs: ["audio"], passes: ["joint", "audio"] },
  "missing-audio": { needs: ["visual"], passes: ["joint", "visual"] },
};

/** The modalities a mode looks at. */
export const modalitiesOf = (mode: ClassifierMode): readonly Modality[] => plans[mode].needs;

function needed(mode: ClassifierMode, modality: Modality, patches: Partial<Patches>): Tensor3D {
  const value = patches[modality];
  if (value !== undefined) return value;
  throw new KdcError({
    where: "classify",
    what: `mode ${mode} needs ${modality} patches and there are none`,
    remedy: `Give ${modality} patches, or choose a mode that does without them`,
    reason: "missing-modality",
  });
}

/** The mean token a mode classifies: `[B, D]`. Only the modalities the mode needs are looked at. */
export function pooled(
  config: ModelConfig,
  encoder: EncoderParams<Tensor>,
  patches: Partial<Patches>,
  mode: ClassifierMode,
): Tensor2D {
  const { branches, patchesAlone } = encoderSettings(config, expectPatches("classify", config, patches));
  const { needs, passes } = plans[mode];
  const parts = needs.map((modality) =>
    patchTokens(encoder, branchTokens(config, encoder, modality, needed(mode, modality, patches), branches[modality])),
  );
  const tokens = parts.length === 1 ? parts[0] : concat(parts, 1);
  const means = passes.map((stream) => mean(jointPass(encoder.joint, stream, tokens, patchesAlone[stream]), 1));
  return mul(
    means.reduce((sum, part) => add(sum, part)),
    1 / means.length,
  ) as Tensor2D;
}

/**
 * Logits of a fine-tuned classifier, before softmax or sigmoid: `[B, classes]`.
 *
 * @param patches audio `[B, Na, Pa]` and visual `[B, Nv, Pv]`, or the one the mode needs
 * @throws KdcError where a modality the mode needs is absent
 *
 * @example
 * ```ts
 * import type { Patches } from "@kdc-mae/core";
 * import { type ClassifierParams, classify, presets } from "@kdc-mae/model";
 * import { softmax, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
 *
 * // Probabilities [B, classes] by sound alone, of audio patches [B, 48, 256].
 * const listen = (params: ClassifierParams<Tensor>, { audio }: Patches): Tensor2D =>
 *   softmax(classify(presets.tiny, params, { audio }, "audio-only"));
 * ```
 */
export function classify(
  config: ModelConfig,
  params: ClassifierParams<Tensor>,
  patches: Partial<Patches>,
  mode: ClassifierMode = "multimodal",
): Tensor2D {
  return headLogits(config, params.head, pooled(config, params.encoder, patches, mode));
}

/** Logits `[B, classes]` of tokens that are pooled already, `[B, D]`: the last step of {@link classify}. */
export const headLogits = (
  config: ModelConfig,
  { norm, linear: head }: ClassifierParams<Tensor>["head"],
  tokens: Tensor2D,
): Tensor2D => linear(head, layerNorm(norm, tokens, config.layerNormEpsilon));
