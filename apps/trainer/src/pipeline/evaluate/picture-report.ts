import { expectWritable } from "@kdc-mae/core/node";
import { batchThreads } from "@kdc-mae/data/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { ReportInput } from "@kdc-mae/eval/report";
import { countParameters } from "@kdc-mae/model";
import { fittedSplit } from "../corpus/choose-clips.js";
import { clipFormFor } from "../corpus/clip-form.js";
import { mediaFor, openCorpus } from "../corpus/open-corpus.js";
import type { SavedModel } from "../run/model-file.js";
import { type ReadOptions, readModel } from "../run/read-saved.js";
import { clockOf, type Surroundings, surroundingsOf } from "../surroundings.js";
import {
  classesFor,
  type DataChoice,
  evaluatedData,
  evaluatedSplit,
  expectData,
  expectDataFor,
} from "./chosen-data.js";
import { openCutting } from "./cutting.js";
import { evaluateTasks } from "./evaluate.js";
import { settingsOf } from "./run-in-words.js";
import { writeReport } from "./write-report.js";

/** Which data {@link reportOn} looks at, and where the page goes. */
export type ReportOptions = Surroundings &
  DataChoice &
  Pick<ReadOptions, "assume"> & {
    /** A folder for report.html, report.md and report.json; nothing is written unless given. */
    readonly out?: string;
    /** Where made clips are kept, for models trained on made data. */
    readonly media?: string;
    /** What computes, and its name in the report; ONNX Runtime on the processor unless given. */
    readonly execute?: Execute;
    readonly engine?: string;
  };

/** A report's content, and the page it was written to. */
export type PictureReport = { readonly input: ReportInput; readonly page?: string };

/**
 * Evaluates a pretrained model on all four tasks, with pictures.
 *
 * @param model a file, or what `readModel` made of one
 * @throws KdcError for a file that holds no pretrained model, and data without training or test clips
 */
export async function reportOn(model: string | SavedModel, options: ReportOptions = {}): Promise<PictureReport> {
  const { execute = compiled(), engine = "compiled (ONNX Runtime, cpu)" } = options;
  const around = surroundingsOf(options);
  const clock = clockOf(options);
  expectDataFor(options);
  if (options.out !== undefined) await expectWritable(options.out);
  const started = clock();
  const saved = typeof model === "string" ? await readModel(model, options) : model;
  expectData(saved, options);
  const { config, params, statistics, experiment: trained } = saved;
  const fits = fittedSplit(trained.data);
  const own = { data: trained.data, trained: trained.data, fits, evaluationOnly: false };
  const { data, namedFor, fits: fitted } = evaluatedData(options, own);
  const split = evaluatedSplit(undefined, fitted);
  const experiment = { ...trained, data };
  const { splits, leftOut } = await openCorpus(
    experiment,
    clipFormFor(config, experiment.visual.framesPerClip, statistics.sampleRate),
    {
      ...{ ...around, media: mediaFor(options.media, data), needs: ["train", split], namedFor, scored: split },
      uses: { train: "fitted", validation: "looked at", [split]: "scored" },
      classes: await classesFor(options.classes, undefined),
    },
  );
  const media = (clock() - started) / 1000;
  const cutting = openCutting({ grids: config, statistics, batch: 32 }, batchThreads);
  const evaluation = await evaluateTasks({
    ...{ splits, cutting },
    model: { execute, config, params },
    experiment,
    leftOut,
    onProgress: (what) => around.onNote?.(`evaluate: ${what}`),
  }).finally(cutting.cutter.close);
  const total = (clock() - started) / 1000;
  const input: ReportInput = {
    title: `Evaluation of ${trained.name}`,
    engine,
    seconds: { media, evaluate: total - media, total },
    settings: [
      ["model", typeof model === "string" ? model : "in memory"],
      ...settingsOf(experiment, countParameters(params), 0).filter(([key]) => key !== "training"),
    ],
    ...evaluation,
  };
  return options.out === undefined ? { input } : { input, page: await writeReport(options.out, input) };
}
