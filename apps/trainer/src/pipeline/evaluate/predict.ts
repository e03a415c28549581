import type { ClipGrids, FloatTensor, HostPatches, Patches } from "@kdc-mae/core";
import { createRunner, type Execute } from "@kdc-mae/engine";
import { type Matrix, matrix } from "@kdc-mae/eval";
import { type ClassifierMode, type ClassifierParams, classify, type ModelConfig, modalitiesOf } from "@kdc-mae/model";
import { sigmoid, softmax, type Tensor } from "@tensorflow/tfjs-core";
import { cutBatch, type Pick } from "../corpus/batch.js";
import type { ClipSet } from "../corpus/clip-set.js";
import type { Statistics } from "../corpus/statistics.js";
import { middleFrame } from "./embed-clips.js";

/** How logits become scores: softmax over the classes, or sigmoid of each. */
export type Link = "softmax" | "sigmoid";

type Inputs = { readonly params: ClassifierParams<Tensor>; readonly patches: Partial<Patches> };
type Scores = { readonly scores: Tensor };

/** The patches of the modalities a mode needs. */
export const patchesFor = (mode: ClassifierMode, patches: HostPatches): Partial<HostPatches> =>
  Object.fromEntries(modalitiesOf(mode).map((modality) => [modality, patches[modality]]));

/** The class scores of a batch as a tfjs function. */
export const scoreFunction =
  (config: ModelConfig, mode: ClassifierMode, link: Link) =>
  ({ params, patches }: Inputs): Scores => {
    const logits = classify(config, params, patches, mode);
    return { scores: link === "softmax" ? softmax(logits) : sigmoid(logits) };
  };

export type PredictorOptions = {
  readonly config: ModelConfig;
  readonly mode: ClassifierMode;
  readonly link: Link;
  /** middle: the picture in the middle; all: the mean of the scores of every picture. */
  readonly frames: "middle" | "all";
  readonly statistics: Statistics;
  readonly grids: ClipGrids;
  readonly batch: number;
};

/** Scores of every clip of a set, with the labels the clips have. */
export type Predicted = { readonly scores: Matrix; readonly labels: readonly (readonly string[])[] };

/** A classifier made ready to score clips; its weights may change between calls. */
export type Predictor = {
  predict(
    params: ClassifierParams<FloatTensor>,
    clips: ClipSet,
    onProgress?: (done: number) => void,
    signal?: AbortSignal,
  ): Promise<Predicted>;
  dispose(): Promise<void>;
};

/** Makes a {@link Predictor}; it is compiled at the first batch. */
export function createPredictor(execute: Execute, options: PredictorOptions): Predictor {
  const { config, mode, link, frames, statistics, grids, batch } = options;
  const runner = createRunner(execute, scoreFunction(config, mode, link));
  // Without pictures there is one thing to score, however many pictures a clip has.
  const shows = (frames_: number, middle: number) =>
    frames === "all" && modalitiesOf(mode).includes("visual")
      ? Array.from({ length: frames_ }, (_, at) => at)
      : [middle];

  return {
    async predict(params, clips, onProgress = () => undefined, signal) {
      const rows: { readonly sum: Float32Array; readonly labels: readonly string[] }[] = [];
      let waiting: (Pick & { readonly row: number; readonly share: number })[] = [];
      const flush = async () => {
        if (waiting.length === 0) return;
        const picks = Array.from({ length: batch }, (_, at) => waiting[Math.min(at, waiting.length - 1)]);
        const patches = patchesFor(mode, cutBatch(picks, grids, statistics));
        const { data, shape } = (await runner.run(params, { patches })).scores as FloatTensor;
        const width = shape[1];
        for (const [at, { row, share }] of waiting.entries()) {
          if (rows[row].sum.length === 0) rows[row] = { ...rows[row], sum: new Float32Array(width) };
          const { sum } = rows[row];
          for (let c = 0; c < width; c++) sum[c] += share * data[at * width + c];
        }
        waiting = [];
        onProgress(rows.length);
      };
      for await (const clip of clips.read()) {
        signal?.throwIfAborted();
        const shown = shows(clip.frames.length, middleFrame(clip));
        rows.push({ sum: new Float32Array(0), labels: clip.item.labels });
        for (const frame of shown) {
          waiting.push({ clip, frame, row: rows.length - 1, share: 1 / shown.length });
          if (waiting.length === batch) await flush();
        }
      }
      await flush();
      const scores = matrix(rows.length, rows[0]?.sum.length ?? 0);
      for (const [row, { sum }] of rows.entries()) scores.data.set(sum, row * sum.length);
      return { scores, labels: rows.map(({ labels }) => labels) };
    },
    dispose: runner.dispose,
  };
}
