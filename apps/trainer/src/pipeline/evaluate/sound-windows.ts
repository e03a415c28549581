import { countPatches, type FloatTensor, type Patches, type PatchGrid, type Positions, type View } from "@kdc-mae/core";
import { type StoredClip, windowStart } from "@kdc-mae/data";
import { createModelRunner, type Execute } from "@kdc-mae/engine";
import type { Matrix } from "@kdc-mae/eval";
import { batchViews } from "@kdc-mae/masking";
import { type EncoderParams, encodeViews, type ModelConfig } from "@kdc-mae/model";
import { mean, type Tensor } from "@tensorflow/tfjs-core";
import { framesIn } from "../corpus/clip-form.js";
import { framesHeard } from "../run/pairing.js";
import type { Cutting } from "./cutting.js";
import { filled, middleFrame } from "./embed-clips.js";
import type { WithEncoder } from "./embedding.js";

/** One picture of a clip with the sound around it. */
export type Moment = {
  readonly clip: StoredClip;
  readonly frame: number;
  /** Which stretch was heard of the spectrogram beside the middle picture, as shares of its length. */
  readonly heard: readonly [from: number, to: number];
  /** Mean of the heard audio tokens, `[D]`. */
  readonly audio: Float32Array;
  /** Every visual token, `[Nv, D]`. */
  readonly tokens: Matrix;
};

/** Neighbouring columns of an audio grid. */
export type Stretch = { readonly first: number; readonly count: number };

/** The columns around a time in seconds, as large a share of all as a view sees in training; at an end, the last ones. */
export function stretchAround(
  time: number,
  { columns }: PatchGrid,
  { seconds, audioRatio }: { readonly seconds: number; readonly audioRatio: number },
): Stretch {
  const count = Math.min(columns, Math.max(1, Math.round(columns * (1 - audioRatio))));
  const first = Math.round((time / seconds) * columns - count / 2);
  return { first: Math.min(columns - count, Math.max(0, first)), count };
}

/** Sees the sound of a stretch at every pitch; all other sound is hidden. */
export function positionsOf({ first, count }: Stretch, grid: PatchGrid): Positions {
  const all = Int32Array.from({ length: countPatches(grid) }, (_, place) => place);
  const heard = (place: number) => place % grid.columns >= first && place % grid.columns < first + count;
  return { visible: all.filter(heard), hidden: all.filter((place) => !heard(place)) };
}

type Inputs = {
  readonly params: { readonly encoder: EncoderParams<Tensor> };
  readonly patches: Patches;
  readonly views: readonly View[];
};
type Made = { readonly audio: Tensor; readonly tokens: Tensor };

/** Mean of the audio tokens that a view sees `[B, D]`, and its visual tokens `[B, Kv, D]`. */
const momentFunction =
  (config: ModelConfig) =>
  ({ params, patches, views }: Inputs): Made => {
    const [{ audio, visual }] = encodeViews(config, params.encoder, patches, views);
    return { audio: mean(audio, 1), tokens: visual };
  };

type MomentModel = {
  readonly execute: Execute;
  readonly config: ModelConfig;
  readonly params: WithEncoder<FloatTensor>;
};

/** A model made ready to embed pictures with the sound around them; its program is made once. */
export type MomentEmbedder = {
  /** @returns clip by clip, pictures in time order */
  embed(clips: readonly StoredClip[]): Promise<readonly Moment[]>;
  dispose(): Promise<void>;
};

/**
 * Embeds every picture of some clips, each whole, with the sound around it alone. The rest of the sound is *hidden*, as
 * in pretraining, where the encoder never meets a hidden patch: nothing outside the stretch can reach the embedding,
 * and no silence or padding is put in its place, which the model has not seen there. The stretch is as much as a view
 * sees in training.
 *
 * @param audioRatio share of the audio patches that training hides
 */
export function createMomentEmbedder(
  { execute, config, params }: MomentModel,
  { batch, cutter, form }: Cutting,
  audioRatio: number,
): MomentEmbedder {
  const runner = createModelRunner(execute, momentFunction(config), { encoder: params.encoder });
  const heardSeconds = framesHeard(config) / framesIn(1);
  // Where the sound that goes with a picture begins in its clip, spectrogram frames.
  const startOf = (clip: StoredClip, picture: number) => windowStart(form.audio, clip.times[picture]);
  const [sounds, N] = [form.grids.audio.columns, countPatches(form.grids.visual)];
  const whole = { visible: Int32Array.from({ length: N }, (_, place) => place), hidden: new Int32Array(0) };
  const embed: MomentEmbedder["embed"] = async (clips) => {
    const all = clips.flatMap((clip) => clip.frames.map((_, picture) => ({ clip, picture })));
    const groups = Array.from({ length: Math.ceil(all.length / batch) }, (_, at) => {
      const own = all.slice(at * batch, (at + 1) * batch);
      return { own, shown: filled(own, batch) };
    });
    const made: Moment[] = [];
    for await (const { own, shown, patches } of cutter.ahead(groups)) {
      const around = shown.map(({ clip, picture }) => {
        const within = clip.times[picture] - startOf(clip, picture) / framesIn(1);
        return stretchAround(within, form.grids.audio, { seconds: heardSeconds, audioRatio });
      });
      const views = batchViews(
        around.map((stretch) => [{ audio: positionsOf(stretch, form.grids.audio), visual: whole }]),
      );
      const { audio, tokens } = (await runner.run({ patches, views })) as Record<keyof Made, FloatTensor>;
      const D = config.embedDim;
      for (const [at, { clip, picture }] of own.entries()) {
        const { first, count } = around[at];
        // Of the sound that is shown, which is that beside the middle picture.
        const later = (startOf(clip, picture) - startOf(clip, middleFrame(clip))) / form.grids.audio.patch;
        const share = (column: number) => Math.min(1, Math.max(0, (later + column) / sounds));
        made.push({
          ...{ clip, frame: picture },
          heard: [share(first), share(first + count)],
          audio: audio.data.slice(at * D, (at + 1) * D),
          tokens: { shape: [N, D], data: tokens.data.slice(at * N * D, (at + 1) * N * D) },
        });
      }
    }
    return made;
  };
  return { embed, dispose: runner.dispose };
}

/** The same for clips that are all there. See {@link createMomentEmbedder}. */
export async function embedMoments(
  clips: readonly StoredClip[],
  model: MomentModel,
  cutting: Cutting,
  audioRatio: number,
): Promise<readonly Moment[]> {
  const embedder = createMomentEmbedder(model, cutting, audioRatio);
  try {
    return await embedder.embed(clips);
  } finally {
    await embedder.dispose();
  }
}
