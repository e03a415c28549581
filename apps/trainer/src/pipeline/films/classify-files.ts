import { type FloatTensor, KdcError } from "@kdc-mae/core";
import { type MediaWindow, readClassLabels } from "@kdc-mae/data/node";
import { createModelRunner, type Execute, type ModelRunner } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { ClassifierMode } from "@kdc-mae/model";
import { clipFormFor } from "../corpus/clip-form.js";
import { type DecoderChoice, openDecoder } from "../corpus/open-decoder.js";
import { eachFile, type FileResults, type Within } from "../each-file.js";
import { openCutting } from "../evaluate/cutting.js";
import { rowOf } from "../evaluate/embed-clips.js";
import {
  type Link,
  likeliest,
  linkOf,
  modeFor,
  patchesFor,
  type ScoredLabel,
  scoreFunction,
} from "../evaluate/predict.js";
import type { SavedClassifier } from "../run/classifier-file.js";
import { type ReadOptions, readSaved, type Saved } from "../run/read-saved.js";
import { quoted } from "../shell-word.js";
import type { Surroundings } from "../surroundings.js";
import { type OpenedMedia, openMedia, storeWindow } from "./open-media.js";

export type ClassifiedWindow = {
  readonly start: number;
  readonly end: number;
  /** Which pass was made: `missing-visual` heard alone what was tuned to both, and so on. */
  readonly mode: ClassifierMode;
  /** Likeliest first. */
  readonly labels: readonly ScoredLabel[];
};

/** What a classifier says of one file. */
export type ClassifiedFile = {
  readonly file: string;
  /** `softmax`: one class each, probabilities sum to 1. `sigmoid`: any number of classes, each by itself. */
  readonly link: Link;
  /** Mean of the windows' probabilities, likeliest first. */
  readonly labels: readonly ScoredLabel[];
  readonly windows: readonly ClassifiedWindow[];
};

/** What {@link classify} is asked for. */
export type ClassifyOptions = Surroundings &
  Pick<ReadOptions, "assume"> &
  DecoderChoice & {
    /** A fine-tuned model: a file, or what `loadModel` made of one. */
    readonly model: string | Saved;
    /** A class list whose names stand for the checkpoint's, in their order: a file, or the names. */
    readonly classes?: string | readonly string[];
    /** The sound or the picture alone is looked at. */
    readonly by?: "audio" | "visual";
    /** How many labels are told (5 unless given). */
    readonly count?: number;
    /** Pictures of a window whose probabilities are averaged (1 unless given: the middle one). */
    readonly pictures?: number;
    /** What computes; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    /** Told each file's result as it is there. */
    readonly onFile?: (result: ClassifiedFile) => void;
  };

async function classifierOf({ model, ...options }: ClassifyOptions): Promise<SavedClassifier> {
  const saved = typeof model === "string" ? await readSaved(model, options) : model;
  if ("classifier" in saved) return saved.classifier;
  const name = typeof model === "string" ? model : "the model";
  throw new KdcError({
    where: "classify",
    what: `${name} is pretrained and has no classes`,
    remedy: `Train a head on labelled clips first (kdc-mae finetune EXPERIMENT --init ${typeof model === "string" ? quoted(model) : "FILE"}) and give the best.safetensors that it writes`,
    reason: "not-a-classifier",
  });
}

/** The names of the classes, by a list where one is given. @throws KdcError (`classes`) for a list of another length */
async function namesOf(classifier: SavedClassifier, given: ClassifyOptions["classes"]): Promise<readonly string[]> {
  if (given === undefined) return classifier.classes;
  const names = typeof given === "string" ? (await readClassLabels(given)).names : given;
  if (names.length === classifier.classes.length) return names;
  throw new KdcError({
    where: typeof given === "string" ? given : "classes",
    what: `it names ${names.length} classes, and the model has ${classifier.classes.length}`,
    remedy: "Give the class list that the model was fine-tuned with, in its order",
    reason: "classes",
  });
}

/** @throws KdcError (`wrong-model`) for a model that was tuned to the other modality */
function expectTunedTo(by: "audio" | "visual" | undefined, tuned: ClassifierMode): void {
  const other = { audio: "visual-only", visual: "audio-only" } as const;
  if (by === undefined || tuned !== other[by]) return;
  throw new KdcError({
    where: by === "audio" ? "by sound alone" : "by picture alone",
    what: `the model was fine-tuned with mode ${tuned}`,
    remedy: "Leave it out, or give a model that was fine-tuned on both",
    reason: "wrong-model",
  });
}

/** @throws KdcError (`no-audio`, `no-video`, `too-short`) for a file of which no window was scored */
function nothingIn({ file, info }: OpenedMedia, tuned: ClassifierMode, by: "audio" | "visual" | undefined): KdcError {
  const needs = tuned === "audio-only" || by === "audio" ? "sound" : "pictures";
  const there = needs === "sound" ? info?.audio !== undefined : info?.video !== undefined;
  return new KdcError({
    where: file,
    what: there ? "no window of it holds anything" : `it has no ${needs}, which is what is looked at`,
    remedy: there
      ? "Fetch or copy the file again"
      : "Leave it out, or give a model fine-tuned on both, without --audio or --visual",
    reason: there ? "too-short" : needs === "sound" ? "no-audio" : "no-video",
  });
}

/**
 * Names what is heard and seen in films, sound files and stills: window by window over their whole length, and for the
 * whole the mean of the windows' probabilities. Where a file has sound or pictures alone, a model tuned to both makes
 * the pass that its missing-modality protocols make. One window is held at a time.
 *
 * @throws KdcError for a pretrained model, which has no classes; files that cannot be read are left out, with a reason
 */
export async function classify(
  files: readonly string[],
  options: ClassifyOptions,
): Promise<FileResults<ClassifiedFile>> {
  const { execute = compiled(), count = 5, pictures = 1, by } = options;
  const classifier = await classifierOf(options);
  const { config, params, statistics, experiment } = classifier;
  expectTunedTo(by, experiment.mode);
  const names = await namesOf(classifier, options.classes);
  const link = linkOf(experiment);
  const form = clipFormFor(config, pictures, statistics.sampleRate);
  const { cutter } = openCutting(form, { statistics, batch: pictures });
  const { decoder } = await openDecoder(options, options);
  const runners = new Map<ClassifierMode, ModelRunner<Parameters<ReturnType<typeof scoreFunction>>[0], unknown>>();
  const runnerFor = (mode: ClassifierMode) => {
    const known = runners.get(mode) ?? createModelRunner(execute, scoreFunction(config, mode, link), params);
    runners.set(mode, known);
    return known;
  };

  const scored = async (file: string, window: MediaWindow, mode: ClassifierMode): Promise<Float32Array> => {
    const clip = storeWindow(file, window, form);
    // Without pictures there is one thing to score.
    const shown = mode === "audio-only" || mode === "missing-visual" ? 1 : clip.frames.length;
    const picks = Array.from({ length: shown }, (_, picture) => ({ clip, picture }));
    const patches = patchesFor(mode, await cutter.cut(picks));
    const { scores } = (await runnerFor(mode).run({ patches })) as { scores: FloatTensor };
    const mean = new Float32Array(names.length);
    for (const at of picks.keys()) for (const [c, score] of rowOf(scores, at).entries()) mean[c] += score / shown;
    return mean;
  };

  const classifyFile = async (file: string, _: number, within: Within): Promise<ClassifiedFile> => {
    const opened = await openMedia(file, decoder, form, options.signal);
    const only = by === "audio" ? "sound" : by === "visual" ? "pictures" : undefined;
    const windows: ClassifiedWindow[] = [];
    const sum = new Float32Array(names.length);
    for await (const window of opened.windows({ seconds: form.seconds, pictures, only })) {
      within(`${window.start.toFixed(1)} s`);
      const { start, end, sound, frames } = window;
      const mode = modeFor(experiment.mode, sound !== undefined, frames !== undefined);
      if (mode === undefined) continue;
      const scores = await scored(file, window, mode);
      for (const [c, score] of scores.entries()) sum[c] += score;
      windows.push({ start, end, mode, labels: likeliest(names, scores, count) });
    }
    if (windows.length === 0) throw nothingIn(opened, experiment.mode, by);
    const mean = sum.map((value) => value / windows.length);
    return { file, link, labels: likeliest(names, mean, count), windows };
  };

  try {
    return await eachFile(files, "classify", options, classifyFile);
  } finally {
    for (const runner of runners.values()) await runner.dispose();
    await cutter.close();
  }
}
