import {
  type ClipGrids,
  type FloatTensor,
  type HostPatches,
  type HostView,
  KdcError,
  type Modality,
  type Patches,
  type Rng,
} from "@kdc-mae/core";
import { createRunner, type Execute, type Placed } from "@kdc-mae/engine";
import { adaptiveViews, batchViews, clipNoise } from "@kdc-mae/masking";
import { globalAttention, type ModelConfig, type ModelParams, patchLogProbabilities } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { MaskedBatch } from "./masked-batches.js";

/**
 * Draws the views of batches by what the sampling network says of their clips, and those of the contrast alone by what
 * a teacher attends to.
 */
export type ViewDrawer = {
  /** The batch with its views: as they came, or drawn now with the noise of each clip's own stream. */
  draw(batch: MaskedBatch): Promise<Omit<MaskedBatch, "streams">>;
  dispose(): Promise<void>;
};

type Inputs = { readonly params: Pick<ModelParams<Tensor>, "encoder" | "sampler">; readonly patches: Patches };

type AttentionInputs = {
  readonly params: Pick<ModelParams<Tensor>, "encoder">;
  readonly patches: Patches;
};

/** Log-probabilities of every patch as a tfjs function. */
const samplingFunction =
  (config: ModelConfig) =>
  ({ params: { encoder, sampler }, patches }: Inputs) => {
    if (sampler === undefined) {
      throw new KdcError({
        where: "adaptive masking",
        what: "the model has no sampling network",
        remedy: 'Set model.sampler, or another masking.kind than "adaptive"',
        reason: "config",
      });
    }
    return patchLogProbabilities(config, encoder, sampler, patches);
  };

/** The model, and what a moving-average teacher's encoder is kept as. */
type Weights = {
  readonly model: Placed<Inputs["params"]>;
  readonly teacher?: Placed<AttentionInputs["params"]>;
};

/** Every clip's row of `[B, N]`. */
const rowOf = ({ data, shape: [, N] }: FloatTensor, clip: number) => data.subarray(clip * N, (clip + 1) * N);

/** What a sampling network says of clips, and the views drawn by it. */
export type Sampled = {
  readonly views: readonly HostView[];
  /** Log-probabilities of the patches of each modality, `[B, N]`. */
  readonly likely: Readonly<Record<Modality, FloatTensor>>;
};

/** Draws views by a model's sampling network. */
export type PatchSampler = {
  /** @param streams one random stream per clip, which makes the noise of its draw */
  sample(model: Placed<Inputs["params"]>, patches: HostPatches, streams: readonly Rng[]): Promise<Sampled>;
  dispose(): Promise<void>;
};

/** Makes a {@link PatchSampler}; its program is made at the first clips. */
export function createPatchSampler(
  execute: Execute,
  config: ModelConfig,
  { views, audioRatio, visualRatio }: Pick<CheckedExperiment["masking"], "views" | "audioRatio" | "visualRatio">,
): PatchSampler {
  const grids: ClipGrids = { audio: config.audio, visual: config.visual };
  const deal = adaptiveViews({ views, ratio: { audio: audioRatio, visual: visualRatio } });
  const runner = createRunner(execute, samplingFunction(config));
  return {
    async sample({ encoder, sampler }, patches, streams) {
      const params = { encoder, sampler } as Placed<Inputs["params"]>;
      const likely = (await runner.run(params, { patches })) as Sampled["likely"];
      const clips = streams.map((stream, clip) => {
        const own = { audio: rowOf(likely.audio, clip), visual: rowOf(likely.visual, clip) };
        return deal(grids, own, clipNoise(grids, stream));
      });
      return { views: batchViews(clips), likely };
    },
    dispose: runner.dispose,
  };
}

/**
 * @param weights as they are, where they lie, and those of the teacher, where there is one; asked anew for every batch
 */
export function createViewDrawer(
  execute: Execute,
  config: ModelConfig,
  weights: () => Promise<Weights>,
  { masking }: Pick<CheckedExperiment, "masking">,
): ViewDrawer {
  const grids: ClipGrids = { audio: config.audio, visual: config.visual };
  const { contrast } = masking;
  const sampler = createPatchSampler(execute, config, masking);
  const attended = createRunner(execute, ({ params, patches }: AttentionInputs) =>
    globalAttention(config, params, patches),
  );

  const drawn = async ({ patches, views, streams }: MaskedBatch): Promise<readonly HostView[]> => {
    if (streams === undefined) return views;
    return (await sampler.sample((await weights()).model, patches, streams)).views;
  };

  /** The patches that attend most to the teacher's global token, in place of a draw: no noise is added. */
  const pointedOut = async (
    { patches }: MaskedBatch,
    teacher: Placed<AttentionInputs["params"]>,
    { audioRatio, visualRatio }: NonNullable<typeof contrast>,
  ): Promise<readonly HostView[]> => {
    const { audio, visual } = (await attended.run(teacher, { patches })) as Record<Modality, FloatTensor>;
    const take = adaptiveViews({ views: 1, ratio: { audio: audioRatio, visual: visualRatio } });
    const none = { audio: new Float32Array(audio.shape[1]), visual: new Float32Array(visual.shape[1]) };
    const clips = Array.from({ length: audio.shape[0] }, (_, clip) =>
      take(grids, { audio: rowOf(audio, clip), visual: rowOf(visual, clip) }, none),
    );
    return batchViews(clips);
  };

  return {
    async draw(batch) {
      const teacher = contrast?.by === "teacher" ? (await weights()).teacher : undefined;
      const own = contrast && teacher ? await pointedOut(batch, teacher, contrast) : batch.contrast;
      const views = await drawn(batch);
      return { patches: batch.patches, views, ...(own === undefined ? {} : { contrast: own }) };
    },
    dispose: () => Promise.all([sampler.dispose(), attended.dispose()]).then(() => undefined),
  };
}
