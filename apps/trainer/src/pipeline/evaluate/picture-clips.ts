import { countPatches, type FloatTensor } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { Execute } from "@kdc-mae/engine";
import { type ClipPictures, type InpaintingStrip, numberText } from "@kdc-mae/eval/report";
import { complementaryViews, randomViews } from "@kdc-mae/masking";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import { createPatchSampler } from "../pretrain/draw-views.js";
import type { Cutting } from "./cutting.js";
import type { ClipEmbedding } from "./embed-clips.js";
import { clipPictures, heatReel } from "./pictures.js";
import { type Dealing, dealtBy, reconstructClips, restoredPredictions, type Targets } from "./reconstruct.js";
import { embedMoments } from "./sound-windows.js";

type Model = { readonly execute: Execute; readonly config: ModelConfig; readonly params: ModelParams<FloatTensor> };

/** How pictures are drawn: the seed of the masks, and what the model predicts. */
type Drawing = { readonly seed: number; readonly targets: Targets };

/** Shares of the patches hidden in the strips, little to nearly all. */
const stripRatios = [0.5, 0.75, 0.9];

/** Does hiding this share leave something to see in both modalities? In a grid of a few patches not every share does. */
const leavesSome =
  ({ audio, visual }: ModelConfig) =>
  (ratio: number) =>
    [audio, visual].every((grid) => Math.floor(countPatches(grid) * (1 - ratio)) >= 1);

/**
 * Clips to look at: both views, what is made from them, where the whole sound is seen in the middle picture, and where
 * the sound around each picture is seen, moment by moment.
 *
 * @param options `ratio` of the views, at least a half; `audioRatio`, what training hides of the sound
 */
export async function pictureClips(
  clips: readonly StoredClip[],
  embeddings: readonly ClipEmbedding[],
  model: Model,
  cutting: Cutting,
  { seed, ratio, audioRatio, targets }: Drawing & { readonly ratio: number; readonly audioRatio: number },
): Promise<readonly ClipPictures[]> {
  const { config } = model;
  const masking = { views: 2, audioRatio: Math.max(audioRatio, 0.5), visualRatio: Math.max(ratio, 0.5) };
  // A model that draws its views is shown the ones it would draw.
  const sampler = config.sampler && createPatchSampler(model.execute, config, masking);
  const deal: Dealing =
    sampler === undefined
      ? dealtBy(complementaryViews({ views: 2, ratio: Math.max(ratio, 0.5) }), cutting.form.grids)
      : (patches, streams) => sampler.sample(model.params, patches, streams);
  const moments = await embedMoments(clips, model, cutting, audioRatio);
  const drawn: ClipPictures[] = [];
  try {
    for await (const made of reconstructClips(clips, model, { ...cutting, batch: clips.length }, deal, seed)) {
      drawn.push(...clipPictures(restoredPredictions(made, targets), embeddings, config, cutting.statistics));
    }
  } finally {
    await sampler?.dispose();
  }
  return Promise.all(
    drawn.map(async (one) => {
      const own = moments.filter(({ clip }) => clip.item.id === one.id);
      return own.length < 2 ? one : { ...one, reel: await heatReel(own, config, cutting) };
    }),
  );
}

/** The same clips with more and more hidden at random, and what the model makes of the rest. */
export async function stripsAt(
  clips: readonly StoredClip[],
  model: Model,
  cutting: Cutting,
  { seed, targets }: Drawing,
): Promise<readonly InpaintingStrip[]> {
  const strips = new Map<string, InpaintingStrip>();
  for (const ratio of stripRatios.filter(leavesSome(model.config))) {
    const deal = dealtBy(randomViews({ views: 1, ratio }), cutting.form.grids);
    for await (const made of reconstructClips(clips, model, { ...cutting, batch: clips.length }, deal, seed)) {
      for (const { id, label, original, views, reconstructions } of clipPictures(
        restoredPredictions(made, targets),
        [],
        model.config,
        cutting.statistics,
      )) {
        const caption = `${numberText(ratio, "share")} hidden`;
        const mask = { caption, masked: views[0], restored: reconstructions[0] };
        strips.set(id, { label, original, masks: [...(strips.get(id)?.masks ?? []), mask] });
      }
    }
  }
  return [...strips.values()];
}
