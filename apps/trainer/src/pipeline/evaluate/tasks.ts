import type { Box, FloatTensor, IntTensor, Modality } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { Execute } from "@kdc-mae/engine";
import {
  boxAfterFit,
  boxAt,
  type InpaintingResult,
  inpainting,
  type LinearProbeResult,
  type LocalizationResult,
  linearProbe,
  localization,
  type Protocol,
  protocols,
  type RetrievalResult,
  retrieval,
  standardUnits,
} from "@kdc-mae/eval";
import { type Masker, randomViews } from "@kdc-mae/masking";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import type { Cutting } from "./cutting.js";
import { type ClipEmbedding, type ClipStream, labelsOf, middleFrame, stacked } from "./embed-clips.js";
import { firstClips, reconstructClips, type Targets } from "./reconstruct.js";

const streams = ["audio", "visual", "joint"] as const;

/** Linear probes on each stream, fitted on train, strength chosen on validation, scored on test. */
export function probes(
  kinds: readonly string[],
  splits: Readonly<Record<"train" | "validation" | "test", readonly ClipEmbedding[]>>,
  leftOut: Readonly<Record<string, number>>,
): Readonly<Record<(typeof streams)[number], LinearProbeResult>> {
  const rows = (split: readonly ClipEmbedding[], stream: (typeof streams)[number]) => ({
    features: stacked(split, stream),
    labels: labelsOf(split, kinds),
  });
  const results = streams.map((stream) => {
    const result = linearProbe({
      kinds,
      train: rows(splits.train, stream),
      validation: splits.validation.length > 0 ? rows(splits.validation, stream) : undefined,
      test: rows(splits.test, stream),
      protocol: protocols.find(({ name }) => name === `linear-probe-${stream}`),
      leftOut,
    });
    return [stream, result] as const;
  });
  return Object.fromEntries(results) as Record<(typeof streams)[number], LinearProbeResult>;
}

/** Audio against visual embeddings of the same clips, both ways. */
export const retrieve = (clips: readonly ClipEmbedding[], leftOut: Readonly<Record<string, number>>): RetrievalResult =>
  retrieval({ audio: stacked(clips, "audio"), visual: stacked(clips, "visual"), leftOut });

/**
 * The box of a clip at a time (that of its middle picture), in pixels of the square picture the model sees: none where
 * nothing sounds, an undefined one where the crop has cut it away.
 */
export function boxesOf(
  clip: StoredClip,
  size: number,
  time: number = clip.times[middleFrame(clip)],
): readonly (Box | undefined)[] {
  const { boxes } = clip.item;
  const box = boxes && boxAt(boxes, time);
  return box === undefined ? [] : [boxAfterFit(box, clip.original, size)];
}

/** Where the sound is seen, for clips that have boxes; undefined where none has. */
export async function localize(
  clips: readonly ClipEmbedding[],
  config: ModelConfig,
  leftOut: Readonly<Record<string, number>>,
): Promise<LocalizationResult | undefined> {
  const boxed = clips.filter(({ clip }) => clip.item.boxes !== undefined);
  if (boxed.length === 0) return undefined;
  const size = config.visual.rows * config.visual.patch;
  return localization({
    grid: config.visual,
    picture: { width: size, height: size },
    clips: boxed.map(({ clip, audio, tokens }) => ({
      id: clip.item.id,
      steps: [{ audio, visual: tokens, boxes: boxesOf(clip, size) }],
    })),
    leftOut,
  });
}

/** Hides patches (at random unless told), predicts them, and measures the error on hidden patches. */
export function inpaint(
  clips: ClipStream,
  model: { readonly execute: Execute; readonly config: ModelConfig; readonly params: ModelParams<FloatTensor> },
  cutting: Cutting,
  options: {
    readonly ratio: number;
    readonly seed: number;
    readonly targets: Targets;
    readonly leftOut: Readonly<Record<string, number>>;
    readonly mask?: { readonly kind: string; readonly masker: Masker };
    readonly protocol?: Protocol;
  },
): Promise<InpaintingResult> {
  async function* batches() {
    const masker = options.mask?.masker ?? randomViews({ views: 1, ratio: options.ratio });
    for await (const made of reconstructClips(clips, model, cutting, masker, options.seed)) {
      const pair = (modality: Modality) => {
        const first = <T extends FloatTensor | IntTensor>(tensor: T) => firstClips(tensor, made.clips.length);
        return {
          target: first(made.patches[modality]),
          predicted: first(made.predictions[0][modality]),
          visible: first(made.views[0][modality].visible),
          hidden: first(made.views[0][modality].hidden),
        };
      };
      yield { audio: pair("audio"), visual: pair("visual") };
    }
  }
  return inpainting({
    batches: batches(),
    targets: options.targets,
    mask: options.mask?.kind,
    protocol: options.protocol,
    units: { ...standardUnits, audio: { ...standardUnits.audio, deviation: [cutting.statistics.std] } },
    leftOut: options.leftOut,
  });
}
