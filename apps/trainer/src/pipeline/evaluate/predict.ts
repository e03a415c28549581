import type { FloatTensor, HostPatches, Patches } from "@kdc-mae/core";
import type { Shown } from "@kdc-mae/data";
import { createRunner, type Execute } from "@kdc-mae/engine";
import { type Matrix, matrix } from "@kdc-mae/eval";
import { type ClassifierMode, type ClassifierParams, classify, type ModelConfig, modalitiesOf } from "@kdc-mae/model";
import { sigmoid, softmax, type Tensor } from "@tensorflow/tfjs-core";
import type { ClipSet } from "../corpus/clip-set.js";
import type { CheckedFineTuning } from "../finetune/schema.js";
import { sharedMap } from "../ranks/shared-map.js";
import type { Cutting } from "./cutting.js";
import { filled, middleFrame } from "./embed-clips.js";

/** How logits become scores: softmax over the classes, or sigmoid of each. */
export type Link = "softmax" | "sigmoid";

/** Scores of logits, by their link. */
export const scoresBy = { softmax, sigmoid } as const;

/** How a loss's logits are read. */
export const linkOf = ({ loss }: Pick<CheckedFineTuning, "loss">): Link =>
  loss.kind === "cross-entropy" ? "softmax" : "sigmoid";

/** Which pass a tuned model makes over what a window has; undefined where it has nothing for it. */
export function modeFor(tuned: ClassifierMode, sound: boolean, pictures: boolean): ClassifierMode | undefined {
  if (tuned === "audio-only") return sound ? tuned : undefined;
  if (tuned === "visual-only") return pictures ? tuned : undefined;
  if (sound && pictures) return "multimodal";
  return sound ? "missing-visual" : pictures ? "missing-audio" : undefined;
}

/** A class and how likely it is: a share of one under softmax, each by itself under sigmoid. */
export type ScoredLabel = { readonly label: string; readonly probability: number };

/** The classes with the highest scores, likeliest first. */
export const likeliest = (names: readonly string[], scores: Float32Array, count: number): ScoredLabel[] =>
  [...names.keys()]
    .sort((a, b) => scores[b] - scores[a])
    .slice(0, count)
    .map((at) => ({ label: names[at], probability: scores[at] }));

type Inputs = { readonly params: ClassifierParams<Tensor>; readonly patches: Partial<Patches> };
type Scores = { readonly scores: Tensor };

/** The patches of the modalities a mode needs. */
export const patchesFor = (mode: ClassifierMode, patches: HostPatches): Partial<HostPatches> =>
  Object.fromEntries(modalitiesOf(mode).map((modality) => [modality, patches[modality]]));

/** The class scores of a batch as a tfjs function. */
export const scoreFunction =
  (config: ModelConfig, mode: ClassifierMode, link: Link) =>
  ({ params, patches }: Inputs): Scores => ({ scores: scoresBy[link](classify(config, params, patches, mode)) });

export type PredictorOptions = {
  readonly config: ModelConfig;
  readonly mode: ClassifierMode;
  readonly link: Link;
  /** middle: the picture in the middle; all: the mean of the scores of every picture. */
  readonly frames: "middle" | "all";
  readonly cutting: Cutting;
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
  const { config, mode, link, frames, cutting } = options;
  const { batch, cutter } = cutting;
  const runner = createRunner(execute, scoreFunction(config, mode, link));
  // Without pictures there is one thing to score, however many pictures a clip has.
  const shows = (frames_: number, middle: number) =>
    frames === "all" && modalitiesOf(mode).includes("visual")
      ? Array.from({ length: frames_ }, (_, at) => at)
      : [middle];

  return {
    async predict(params, clips, onProgress = () => undefined, signal) {
      const rows: { readonly sum: Float32Array; readonly labels: readonly string[] }[] = [];
      type Part = { readonly shown: Shown; readonly row: number; readonly share: number };
      async function* groups() {
        const groupOf = (parts: readonly Part[]) => ({ parts, shown: filled(parts, batch).map(({ shown }) => shown) });
        let [parts, row]: [Part[], number] = [[], 0];
        for await (const clip of clips.read()) {
          signal?.throwIfAborted();
          rows.push({ sum: new Float32Array(0), labels: clip.item.labels });
          const pictures = shows(clip.frames.length, middleFrame(clip));
          for (const picture of pictures) {
            parts.push({ shown: { clip, picture }, row, share: 1 / pictures.length });
            if (parts.length < batch) continue;
            yield groupOf(parts);
            parts = [];
          }
          row += 1;
        }
        if (parts.length > 0) yield groupOf(parts);
      }
      const score = async ({ patches }: { readonly patches: HostPatches }) =>
        (await runner.run(params, { patches: patchesFor(mode, patches) })).scores as FloatTensor;
      for await (const [{ parts }, { data, shape }] of sharedMap(cutting.between, cutter.ahead(groups()), score)) {
        const width = shape[1];
        for (const [at, { row, share }] of parts.entries()) {
          if (rows[row].sum.length === 0) rows[row] = { ...rows[row], sum: new Float32Array(width) };
          const { sum } = rows[row];
          for (let c = 0; c < width; c++) sum[c] += share * data[at * width + c];
        }
        onProgress(parts[parts.length - 1].row + 1);
      }
      const scores = matrix(rows.length, rows[0]?.sum.length ?? 0);
      for (const [row, { sum }] of rows.entries()) scores.data.set(sum, row * sum.length);
      return { scores, labels: rows.map(({ labels }) => labels) };
    },
    dispose: runner.dispose,
  };
}
