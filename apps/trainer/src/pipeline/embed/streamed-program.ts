import type { FloatTensor, HostView, Patches, View } from "@kdc-mae/core";
import { createModelRunner, type Execute } from "@kdc-mae/engine";
import { type Matrix, similarityMap } from "@kdc-mae/eval";
import { batchViews } from "@kdc-mae/masking";
import { type ClassifierParams, classify, encodeViews, features, headLogits, type ModelConfig } from "@kdc-mae/model";
import { mean, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { clipFormFor } from "../corpus/clip-form.js";
import type { WithEncoder } from "../evaluate/embedding.js";
import { type Link, linkOf, modeFor, scoresBy } from "../evaluate/predict.js";
import { positionsOf, stretchAround } from "../evaluate/sound-windows.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { CheckedFineTuning } from "../finetune/schema.js";
import { type Cut, functionOf, type Kind, kindOf } from "./cut-stretch.js";
import type { EmbeddingModel, Vectors } from "./embedder.js";

/** What streams are given to: a pretrained model or a classifier, as `loadModel` gives, `modelIn` or `classifierIn`. */
export type StreamingModel = EmbeddingModel & {
  readonly experiment?: CheckedExperiment | CheckedFineTuning;
  /** Names of the classes, of a classifier. */
  readonly classes?: readonly string[];
};

/** What a model makes of one window. */
export type WindowResult = Vectors & {
  /** Of a classifier: how likely each class is, `[C]`, in the order of its `classes`. */
  readonly scores?: Float32Array;
  /** Cosine of the sound around the picture with every patch of it, `[rows, columns]`. */
  readonly heat?: Matrix;
};

/** Runs a model on cut windows. */
export type WindowProgram = {
  /** @param picture when the picture was taken, seconds from the window's beginning */
  run(cut: Cut, picture: number): Promise<WindowResult>;
  dispose(): Promise<void>;
};

/** Share of the sound that is hidden from a picture, where the model's own training does not say. */
const HIDDEN = 0.75;

type Inputs = {
  readonly params: WithEncoder<Tensor> & Partial<ClassifierParams<Tensor>>;
  readonly patches: Partial<Patches>;
  readonly views?: readonly View[];
};
type Made = Readonly<Record<string, Tensor>>;
type Head = { readonly mode: ReturnType<typeof modeFor>; readonly link: Link };

/** Sound and picture in one pass: means of the three streams, the scores of the joint one, and what heat compares. */
const programOfBoth =
  (config: ModelConfig, head: Head | undefined, heat: boolean) =>
  ({ params, patches: given, views }: Inputs): Made => {
    const patches = given as Patches;
    const { audio, visual, joint } = features(config, params, patches);
    const together = mean(joint, 1) as Tensor2D;
    const logits =
      head?.mode === undefined
        ? undefined
        : head.mode === "multimodal"
          ? headLogits(config, params.head!, together)
          : classify(config, params as ClassifierParams<Tensor>, patches, head.mode);
    return {
      ...{ audio: mean(audio, 1), visual: mean(visual, 1), joint: together },
      ...(logits === undefined ? {} : { scores: scoresBy[head!.link](logits) }),
      ...(heat && views
        ? { tokens: visual, around: mean(encodeViews(config, params.encoder, patches, views)[0].audio, 1) }
        : {}),
    };
  };

/** One modality alone, and the pass that the head makes where the other is missing. */
const programOfOne =
  (config: ModelConfig, kind: "audio" | "visual", head: Head | undefined) =>
  ({ params, patches }: Inputs): Made => ({
    ...functionOf(config, kind)({ params, patches }),
    ...(head?.mode === undefined
      ? {}
      : { scores: scoresBy[head.link](classify(config, params as ClassifierParams<Tensor>, patches, head.mode)) }),
  });

/** The head of a classifier for what there is of a window; undefined without one, or where it has none for it. */
function headFor({ experiment, classes }: StreamingModel, kind: Kind): Head | undefined {
  if (classes === undefined || experiment === undefined || !("mode" in experiment)) return undefined;
  const mode = modeFor(experiment.mode, kind !== "visual", kind !== "audio");
  return { mode, link: linkOf(experiment) };
}

/** Makes a {@link WindowProgram}: one program for each of what windows may have, made at its first window. */
export function createWindowProgram(model: StreamingModel, execute: Execute, heat: boolean): WindowProgram {
  const { config, params, experiment } = model;
  const { seconds } = clipFormFor(config, 1);
  const audioRatio = experiment && "masking" in experiment ? experiment.masking.audioRatio : HIDDEN;
  const program = (given: Inputs): Made => {
    const kind = kindOf(given.patches);
    const head = headFor(model, kind);
    return (kind === "both" ? programOfBoth(config, head, heat) : programOfOne(config, kind, head))(given);
  };
  const used = headFor(model, "both") === undefined ? { encoder: params.encoder } : params;
  const runner = createModelRunner(execute, program, used);
  const heard = (picture: number): readonly HostView[] => {
    const stretch = stretchAround(picture, config.audio, { seconds, audioRatio });
    // Of the picture one patch is shown, for there must be one: the sound never meets it.
    const N = config.visual.rows * config.visual.columns;
    const visual = { visible: Int32Array.of(0), hidden: Int32Array.from({ length: N - 1 }, (_, at) => at + 1) };
    return batchViews([[{ audio: positionsOf(stretch, config.audio), visual }]]);
  };

  return {
    async run(cut, picture) {
      const views = heat && kindOf(cut) === "both" ? { views: heard(picture) } : {};
      const made = (await runner.run({ patches: batched(cut), ...views })) as Record<string, FloatTensor>;
      const { tokens, around, ...rest } = made;
      const N = config.visual.rows * config.visual.columns;
      return {
        ...Object.fromEntries(Object.entries(rest).map(([name, { data }]) => [name, data.slice()])),
        ...(tokens && around
          ? {
              heat: similarityMap(
                around.data.slice(),
                { shape: [N, config.embedDim], data: tokens.data.slice() },
                config.visual,
              ),
            }
          : {}),
      };
    },
    dispose: runner.dispose,
  };
}

const batched = (cut: Cut): Cut =>
  Object.fromEntries(
    Object.entries(cut).map(([modality, { shape, ...rest }]) => [modality, { ...rest, shape: [1, ...shape] }]),
  );
