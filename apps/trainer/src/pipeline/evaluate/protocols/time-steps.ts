import type { FloatTensor, Patches } from "@kdc-mae/core";
import { createModelRunner } from "@kdc-mae/engine";
import type { LocalizationClip } from "@kdc-mae/eval";
import { type EncoderParams, features, type ModelConfig } from "@kdc-mae/model";
import { mean, reshape, type Tensor } from "@tensorflow/tfjs-core";
import { cutBatch } from "../../corpus/batch.js";
import type { ClipSet } from "../../corpus/clip-set.js";
import type { StoredClip } from "../../corpus/stored-clip.js";
import type { Cutting } from "../embed-clips.js";
import { boxesOf } from "../tasks.js";
import { rowOf } from "./embedded-set.js";
import { frontEndOf, type Subject, sharedOf } from "./subject.js";

type Inputs = { readonly params: { readonly encoder: EncoderParams<Tensor> }; readonly patches: Patches };
type Made = { readonly moments: Tensor; readonly tokens: Tensor };

/** Audio tokens averaged over frequency `[B, columns, D]`, and every visual token `[B, N, D]`. */
export const momentsFunction =
  (config: ModelConfig) =>
  ({ params, patches }: Inputs): Made => {
    const { audio, visual } = features(config, params, patches);
    const { rows, columns } = config.audio;
    return { moments: mean(reshape(audio, [audio.shape[0], rows, columns, config.embedDim]), 1), tokens: visual };
  };

/** Sound this near to a frame counts as the frame's, seconds. */
const NEAR = 0.5;

/** The columns whose middle lies near a time; the nearest one where none does. */
export function columnsNear(time: number, columns: number, seconds: number): readonly number[] {
  const middles = Array.from({ length: columns }, (_, at) => ((at + 0.5) * seconds) / columns);
  const near = [...middles.keys()].filter((at) => Math.abs(middles[at] - time) <= NEAR);
  if (near.length > 0) return near;
  return [
    middles.reduce((best, middle, at) => (Math.abs(middle - time) < Math.abs(middles[best] - time) ? at : best), 0),
  ];
}

/** Mean of some rows of `[columns, D]`. */
function meanRows(moments: Float32Array, rows: readonly number[], width: number): Float32Array {
  const sum = new Float32Array(width);
  for (const row of rows) for (let k = 0; k < width; k++) sum[k] += moments[row * width + k] / rows.length;
  return sum;
}

/** Every frame of every clip that has boxes, each with the sound around it. */
export async function* timeSteps(clips: ClipSet, subject: Subject, cutting: Cutting): AsyncGenerator<LocalizationClip> {
  const { config, params } = sharedOf(subject.saved);
  const { seconds } = frontEndOf(subject.saved);
  const { visual: grid, audio, embedDim } = config;
  const size = grid.rows * grid.patch;
  const runner = createModelRunner(subject.execute, momentsFunction(config), { encoder: params.encoder });

  const stepsOf = async (clip: StoredClip): Promise<LocalizationClip> => {
    const steps: LocalizationClip["steps"][number][] = [];
    for (let from = 0; from < clip.frames.length; from += cutting.batch) {
      const shown = Math.min(cutting.batch, clip.frames.length - from);
      const picks = Array.from({ length: cutting.batch }, (_, at) => ({ clip, frame: from + Math.min(at, shown - 1) }));
      const patches = cutBatch(picks, cutting.grids, cutting.statistics);
      const { moments, tokens } = (await runner.run({ patches })) as Record<keyof Made, FloatTensor>;
      for (let at = 0; at < shown; at++) {
        const time = clip.times[from + at];
        steps.push({
          time,
          audio: meanRows(rowOf(moments, at), columnsNear(time, audio.columns, seconds), embedDim),
          visual: { shape: [grid.rows * grid.columns, embedDim], data: rowOf(tokens, at) },
          boxes: boxesOf(clip, size, time),
        });
      }
    }
    return { id: clip.item.id, steps };
  };

  let done = 0;
  try {
    for await (const clip of clips.read()) {
      subject.signal?.throwIfAborted();
      if (clip.item.boxes !== undefined) yield await stepsOf(clip);
      subject.onProgress(`localization over time: ${++done}/${clips.items.length}`);
    }
  } finally {
    await runner.dispose();
  }
}
