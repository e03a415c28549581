import { createRng, type FloatTensor } from "@kdc-mae/core";
import { writeWhole } from "@kdc-mae/core/node";
import { batchThreads } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { figuresOf, type Interval } from "@kdc-mae/eval";
import { type ClassifierParams, initClassifier } from "@kdc-mae/model";
import { clipFormFor } from "../corpus/clip-form.js";
import { openCutting } from "../evaluate/cutting.js";
import { byRecording } from "../evaluate/parts-of-recordings.js";
import { createPredictor, linkOf, type Predicted } from "../evaluate/predict.js";
import { type ClassScores, isSingleLabel, scoreClasses } from "../evaluate/score-classes.js";
import type { RunFolder } from "../run/run-folder.js";
import { saveClassifier } from "../run/save-classifier.js";
import { ranksOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import { progressInWords } from "../train/in-words.js";
import { type EpochScore, type FineTuned, type FineTuneOptions, fineTune } from "./fine-tune.js";
import type { FineTuningData } from "./open-data.js";
import type { CheckedFineTuning } from "./schema.js";
import type { Start } from "./start.js";

/** The files a run leaves its classifiers in: after the last epoch, after the best one, and the mean of several. */
const files = { last: "model.safetensors", best: "best.safetensors", averaged: "averaged.safetensors" } as const;

/** What a finished run reached on the evaluation clips, by checkpoint. */
export type FineTuningResult = {
  readonly steps: number;
  /** Evaluation clips, which chose the best epoch. */
  readonly evaluated: number;
  readonly best: { readonly epoch: number; readonly score: number };
  readonly last: EpochScore["figures"];
  readonly averaged?: EpochScore["figures"] & { readonly epochs: number };
  /** 95 % intervals of the last epoch's figures, and of those of averaged weights, over the evaluation clips, where they have one. */
  readonly intervals: Readonly<Record<"last", FigureIntervals> & Partial<Record<"averaged", FigureIntervals>>>;
  /** Recordings that the evaluation clips are parts of, where those are fewer: intervals draw whole recordings. */
  readonly recordings?: number;
  readonly files: readonly string[];
};

type FigureIntervals = Readonly<Record<string, Interval>>;

const intervalsOf = (result: ClassScores): FigureIntervals => {
  const made = isSingleLabel(result)
    ? ({ head: "classification", result } as const)
    : ({ head: "tagging", result } as const);
  return Object.fromEntries(figuresOf(made).flatMap(({ key, interval }) => (interval ? [[key, interval]] : [])));
};

const epochScore = (result: ClassScores): EpochScore =>
  isSingleLabel(result)
    ? { score: result.accuracy, figures: { accuracy: result.accuracy, mAP: result.mAP, auc: result.auc } }
    : // Without any class to rank there is no mAP; such an epoch is no better than any other.
      { score: result.mAP ?? 0, figures: { mAP: result.mAP, auc: result.auc, dPrime: result.dPrime } };

/**
 * Fine-tunes, evaluates after every epoch, and keeps the last, the best and the averaged weights.
 *
 * @returns what was reached, or undefined when it was asked to stop before the end (the state is saved)
 */
export async function runFineTuning(
  options: Surroundings & {
    readonly folder: RunFolder<CheckedFineTuning>;
    readonly start: Start;
    readonly data: FineTuningData;
    readonly execute: Execute;
    readonly acceptChangedData?: boolean;
    readonly loggers?: FineTuneOptions["loggers"];
  },
): Promise<(FineTuningResult & { readonly tuned: FineTuned }) | undefined> {
  const { folder, start, data, execute, signal } = options;
  const { experiment } = folder;
  const ranks = ranksOf(options);
  const { config } = start;
  const { classes, statistics, source } = data;
  const params = initClassifier(config, classes.length, createRng(experiment.seed).fork("head"), start.encoder);
  const form = clipFormFor(config, experiment.visual, statistics.sampleRate);
  const cutting = openCutting(form, { statistics, batch: experiment.training.batch }, batchThreads);
  const predictor = createPredictor(execute, {
    ...{ config, mode: experiment.mode, link: linkOf(experiment), frames: experiment.evaluation.frames },
    cutting,
  });
  const saved = (file: string, weights: string) => async (tuned: ClassifierParams<FloatTensor>) => {
    if (ranks.rank > 0) return;
    await saveClassifier(file, { config, params: tuned, statistics, classes, experiment, weights });
  };
  const keep = (name: string, weights: string) => saved(folder.file(name), weights);
  const { epochs } = experiment.training;
  let [step, total, note] = [0, 0, ""];
  const latest: { predicted?: Predicted } = {};
  const show = (text: string) =>
    options.onProgress?.({ stage: "finetune", unit: "steps", done: step, total, note: text });
  const evaluate = async (tuned: ClassifierParams<FloatTensor>, what: string): Promise<EpochScore> => {
    const shown = (done: number) => show(`evaluating ${what}: ${done}/${data.evaluation.items.length}`);
    const predicted = await predictor.predict(tuned, data.evaluation, shown, ranks.size === 1 ? signal : undefined);
    latest.predicted = predicted;
    const scored = epochScore(scoreClasses(classes, linkOf(experiment), predicted, { intervals: { resamples: 1 } }));
    note = `${what} ${(100 * scored.score).toFixed(1)} %`;
    return scored;
  };
  // Once at the end: over many classes intervals take a thousand times as long as figures.
  const resampled = async (weights: ClassifierParams<FloatTensor>, what: string): Promise<ClassScores> => {
    const { predicted = await predictor.predict(weights, data.evaluation, () => show(`evaluating ${what}`)) } = latest;
    return scoreClasses(classes, linkOf(experiment), predicted, byRecording(data.evaluation.items));
  };
  try {
    const tuned = await fineTune({
      ...surroundingsOf(options),
      ...{ experiment, config, params, source, execute, folder, evaluate },
      ...{ acceptChangedData: options.acceptChangedData, loggers: options.loggers },
      saveModel: (file, kept, weights) => saved(file, weights)(kept),
      keepBest: (best, epoch) => keep(files.best, `epoch ${epoch}, the best of those run`)(best),
      onStep: (now) => {
        [step, total] = [now.step, now.steps];
        show(`${progressInWords(now)}${note === "" ? "" : `, ${note}`}`);
      },
    });
    if (!tuned.finished || tuned.best === undefined) return undefined;
    await keep(files.last, `epoch ${epochs}, the last`)(tuned.params);
    const last = (await folder.readLog()).at(-1)?.evaluation ?? {};
    const scored = await resampled(tuned.params, "the last epoch");
    let averaged: FineTuningResult["averaged"];
    let ofAveraged: FigureIntervals | undefined;
    if (tuned.averaged !== undefined) {
      const { from, to } = experiment.averaging ?? { from: 1, to: epochs };
      await keep(files.averaged, `mean of epochs ${from} to ${to}`)(tuned.averaged.params);
      averaged = { ...(await evaluate(tuned.averaged.params, "average")).figures, epochs: tuned.averaged.epochs };
      ofAveraged = intervalsOf(await resampled(tuned.averaged.params, "average"));
    }
    const written = [files.best, files.last, ...(averaged === undefined ? [] : [files.averaged])];
    const result: FineTuningResult = {
      ...{ steps: tuned.steps, evaluated: data.evaluation.items.length, best: tuned.best, last },
      files: written.map((name) => folder.file(name)),
      ...(averaged === undefined ? {} : { averaged }),
      intervals: { last: intervalsOf(scored), ...(ofAveraged === undefined ? {} : { averaged: ofAveraged }) },
      ...(scored.recordings === undefined ? {} : { recordings: scored.recordings }),
    };
    const { split, frames } = experiment.evaluation;
    const about = { evaluated: result.evaluated, leftOut: data.leftOut, split, frames, notes: data.notes };
    await writeWhole(folder.file("result.json"), `${JSON.stringify({ ...result, evaluation: about }, null, 2)}\n`);
    return { ...result, tuned };
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  } finally {
    await predictor.dispose();
    await cutting.cutter.close();
  }
}
