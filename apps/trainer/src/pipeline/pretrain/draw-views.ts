import { type ClipGrids, type FloatTensor, type HostView, KdcError, type Modality, type Patches } from "@kdc-mae/core";
import { createRunner, type Execute } from "@kdc-mae/engine";
import { adaptiveViews, batchViews, clipNoise } from "@kdc-mae/masking";
import { type ModelConfig, type ModelParams, patchLogProbabilities } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { MaskedBatch } from "./masked-batches.js";

/** Draws the views of batches by what the sampling network says of their clips. */
export type ViewDrawer = {
  /** The batch with its views: as they came, or drawn now with the noise of each clip's own stream. */
  draw(batch: MaskedBatch): Promise<{ readonly patches: MaskedBatch["patches"]; readonly views: readonly HostView[] }>;
  dispose(): Promise<void>;
};

type Inputs = { readonly params: Pick<ModelParams<Tensor>, "encoder" | "sampler">; readonly patches: Patches };

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

/**
 * @param model as it is trained; read anew for every batch
 */
export function createViewDrawer(
  execute: Execute,
  config: ModelConfig,
  model: ModelParams<FloatTensor>,
  { masking }: Pick<CheckedExperiment, "masking">,
): ViewDrawer {
  const grids: ClipGrids = { audio: config.audio, visual: config.visual };
  const deal = adaptiveViews({
    views: masking.views,
    ratio: { audio: masking.audioRatio, visual: masking.visualRatio },
  });
  const runner = createRunner(execute, samplingFunction(config));
  return {
    async draw({ patches, views, streams }) {
      if (streams === undefined) return { patches, views };
      const { encoder, sampler } = model;
      const made = await runner.run({ encoder, sampler }, { patches });
      const { audio, visual } = made as Record<Modality, FloatTensor>;
      const rowOf = ({ data, shape: [, N] }: FloatTensor, clip: number) => data.subarray(clip * N, (clip + 1) * N);
      const clips = streams.map((stream, clip) => {
        const likely = { audio: rowOf(audio, clip), visual: rowOf(visual, clip) };
        return deal(grids, likely, clipNoise(grids, stream));
      });
      return { patches, views: batchViews(clips) };
    },
    dispose: runner.dispose,
  };
}
