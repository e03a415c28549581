import {
  type ClipGrids,
  createRng,
  type FloatTensor,
  type HostPatches,
  type HostView,
  type Modality,
  type Patches,
  type Rng,
  type View,
} from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { createModelRunner, type Execute } from "@kdc-mae/engine";
import { denormalizePatches, type PixelTargets } from "@kdc-mae/eval";
import { batchViews, type Masker } from "@kdc-mae/masking";
import { type ModelConfig, type ModelParams, pretrainForward } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Cutting } from "./cutting.js";
import { type ClipStream, filledBatches } from "./embed-clips.js";

type Inputs = { readonly params: ModelParams<Tensor>; readonly patches: Patches; readonly views: readonly View[] };

/** A batch of clips with every view's prediction at every position. */
export type Reconstructed = {
  readonly clips: readonly StoredClip[];
  readonly patches: HostPatches;
  readonly views: readonly HostView[];
  readonly predictions: readonly { readonly audio: FloatTensor; readonly visual: FloatTensor }[];
  /** Log-probabilities of the patches `[B, N]`, where a network drew the views by them. */
  readonly likely?: Readonly<Record<Modality, FloatTensor>>;
};

/** How views of a batch come about, of its clips and one random stream per clip. */
export type Dealing = (
  patches: HostPatches,
  streams: readonly Rng[],
) => Promise<Pick<Reconstructed, "views" | "likely">> | Pick<Reconstructed, "views" | "likely">;

/** Views that look at no clip. */
export const dealtBy =
  (masker: Masker, grids: ClipGrids): Dealing =>
  (_, streams) => ({ views: batchViews(streams.map((stream) => masker(grids, stream))) });

/** Predictions of every view at every position as a tfjs function: what inpainting shows. */
export const reconstructFunction =
  (config: ModelConfig) =>
  ({ params, patches, views }: Inputs) =>
    pretrainForward(config, params, patches, views).views.map(({ reconstruction }) => reconstruction);

/** Hides patches of clips by a seeded masker, or a network, and predicts them. Masks depend on seed and clip alone. */
export async function* reconstructClips(
  clips: ClipStream,
  model: { readonly execute: Execute; readonly config: ModelConfig; readonly params: ModelParams<FloatTensor> },
  cutting: Cutting,
  deal: Dealing,
  seed: number,
): AsyncGenerator<Reconstructed> {
  const { execute, config } = model;
  const runner = createModelRunner(execute, reconstructFunction(config), model.params);
  const root = createRng(seed).fork("evaluate");
  try {
    for await (const { clips: part, patches } of filledBatches(clips, cutting)) {
      const B = patches.audio.shape[0];
      const ids = Array.from({ length: B }, (_, index) => part[Math.min(index, part.length - 1)].item.id);
      const dealt = await deal(
        patches,
        ids.map((id) => root.fork(id)),
      );
      const { views } = dealt;
      const predictions = (await runner.run({ patches, views })) as Reconstructed["predictions"];
      yield { clips: part, patches, ...dealt, predictions };
    }
  } finally {
    await runner.dispose();
  }
}

/** The first `count` clips of a tensor whose first axis is the batch. */
export const firstClips = <T extends { readonly shape: readonly number[]; readonly data: Float32Array | Int32Array }>(
  tensor: T,
  count: number,
): T => ({
  ...tensor,
  shape: [count, ...tensor.shape.slice(1)],
  data: tensor.data.slice(0, (tensor.data.length / tensor.shape[0]) * count),
});

/** What a model was trained to predict, modality by modality. */
export type Targets = Readonly<Record<Modality, PixelTargets>>;

/** Predictions as pixel values: normalised patches get the true patches' statistics back. */
export function restoredPredictions(made: Reconstructed, targets: Targets): Reconstructed {
  const restored = (modality: Modality, predicted: FloatTensor): FloatTensor =>
    targets[modality] === "raw"
      ? predicted
      : { ...predicted, data: denormalizePatches(made.patches[modality], predicted).data };
  const predictions = made.predictions.map(({ audio, visual }) => ({
    audio: restored("audio", audio),
    visual: restored("visual", visual),
  }));
  return { ...made, predictions };
}
