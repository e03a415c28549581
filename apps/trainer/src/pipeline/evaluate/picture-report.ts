import type { ReportInput } from "@kdc-mae/eval/report";
import { countParameters } from "@kdc-mae/model";
import type { SavedModel } from "../run/model-file.js";
import { readModel } from "../run/read-saved.js";
import { clockOf, ranksOf } from "../surroundings.js";
import { evaluateTasks, reportProtocols } from "./evaluate.js";
import { DEFAULT_ENGINE, type EvaluatingOptions, expectUsable, openSubject } from "./open-subject.js";
import { settingsOf } from "./run-in-words.js";
import { writeReport } from "./write-report.js";

/** A report's content, and the page it was written to. */
export type PictureReport = { readonly input: ReportInput; readonly page?: string };

/**
 * Evaluates a pretrained model on all four tasks, with pictures.
 *
 * @param model a file, or what `readModel` made of one
 * @throws KdcError for a file that holds no pretrained model, and data without training or test clips
 */
export async function reportOn(model: string | SavedModel, options: EvaluatingOptions = {}): Promise<PictureReport> {
  const { engine = DEFAULT_ENGINE, out } = options;
  const clock = clockOf(options);
  await expectUsable(options);
  const started = clock();
  const saved = typeof model === "string" ? await readModel(model, options) : model;
  const { params, experiment } = saved;
  const { subject, data, close } = await openSubject(reportProtocols(experiment), { model: saved }, options);
  const media = (clock() - started) / 1000;
  const evaluation = await evaluateTasks(subject, (what) => options.onNote?.(`evaluate: ${what}`)).finally(close);
  const total = (clock() - started) / 1000;
  const input: ReportInput = {
    title: `Evaluation of ${experiment.name}`,
    engine,
    seconds: { media, evaluate: total - media, total },
    settings: [
      ["model", typeof model === "string" ? model : "in memory"],
      ...settingsOf({ ...experiment, data }, countParameters(params), 0).filter(([key]) => key !== "training"),
    ],
    ...evaluation,
  };
  return out === undefined || ranksOf(options).rank > 0 ? { input } : { input, page: await writeReport(out, input) };
}
