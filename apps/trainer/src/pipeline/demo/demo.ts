import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "@kdc-mae/core/node";
import type { Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import type { ReportInput } from "@kdc-mae/eval/report";
import { countParameters } from "@kdc-mae/model";
import { clipFormFor } from "../corpus/clip-form.js";
import { mediaFor, openCorpus } from "../corpus/open-corpus.js";
import { clipsInMemory } from "../corpus/training-clips.js";
import { evaluateTasks } from "../evaluate/evaluate.js";
import { DEFAULT_ENGINE, subjectOf } from "../evaluate/open-subject.js";
import { lossCurves, settingsOf } from "../evaluate/run-in-words.js";
import { writeReport } from "../evaluate/write-report.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { EVENTS } from "../log/events-file.js";
import { expectPossible } from "../pretrain/expect-possible.js";
import { maskedBatches } from "../pretrain/masked-batches.js";
import { runPretraining } from "../pretrain/run-pretraining.js";
import { heldOutOf } from "../probe/held-out.js";
import { alone } from "../ranks/ranks.js";
import { configFor } from "../run/model-file.js";
import { pairingOf } from "../run/pairing.js";
import { openRunFolder } from "../run/run-folder.js";
import { teacherIn } from "../small/fixed-teacher.js";
import { clockOf, type Surroundings, surroundingsOf } from "../surroundings.js";

/** Where {@link demo} keeps what it makes, and what computes. */
export type DemoOptions = Surroundings & {
  /** The run's folder, the report with it. */
  readonly out: string;
  /** Where the made clips are kept, and found again. */
  readonly media?: string;
  /** What computes, and its name in the report; ONNX Runtime on the processor unless given. */
  readonly execute?: Execute;
  readonly engine?: string;
  /** What was changed of the demo's own experiment, as written on the command line, for the report. */
  readonly recipe?: readonly string[];
};

/** What the demo made; no report where it was stopped. */
export type DemoResult = { readonly folder: string; readonly input?: ReportInput; readonly page?: string };

/** A report in the folder means the last run ended; what it kept for going on makes room for a new one. */
async function clearFinished(folder: string): Promise<void> {
  if (!existsSync(join(folder, "report.json"))) return;
  for (const name of ["state.safetensors", "log.jsonl", EVENTS, "experiment.json", "report.json"]) {
    await rm(join(folder, name), { force: true });
  }
}

/**
 * Makes clips, pretrains on them, evaluates all four tasks, and writes the report.
 *
 * @returns the report's content and page; neither when it was asked to stop before the end (the state is saved)
 */
export const demo = (experiment: CheckedExperiment, options: DemoOptions): Promise<DemoResult> =>
  withLock(options.out, () => run(experiment, options));

async function run(experiment: CheckedExperiment, options: DemoOptions): Promise<DemoResult> {
  const { out, execute = compiled() } = options;
  const directory = mediaFor(options.media, experiment.data);
  const { engine = DEFAULT_ENGINE } = options;
  const around = surroundingsOf(options);
  const clock = clockOf(options);
  const since = (start: number) => (clock() - start) / 1000;
  const started = clock();
  const config = configFor(experiment);
  const form = clipFormFor(config, pairingOf(experiment));
  // What cannot be trained says so before clips are made, and before anything makes room for it.
  expectPossible(experiment, alone);
  const teacher = await teacherIn(experiment, config, around);
  await clearFinished(out);
  const folder = await openRunFolder(out, experiment);
  const { splits, leftOut } = await openCorpus(experiment, form, {
    ...around,
    media: directory,
    needs: ["train", "validation", "test"],
    uses: { train: "fitted", validation: "looked at", test: "scored" },
  });
  const heldOut = heldOutOf(splits, experiment.training.probes, around);
  const { source, statistics, loader } = await maskedBatches(experiment, clipsInMemory(splits.train, form));
  const media = since(started);

  const pretrainStart = clock();
  const trained = await runPretraining({
    ...{ ...around, folder, config, source, statistics, teacher, execute, heldOut },
  }).finally(loader.close);
  if (!trained.finished) return { folder: out };
  const { params, steps } = trained;
  const log = await folder.readLog();
  // Of a run that was stopped and went on, the log knows the epochs of before.
  const logged = log.reduce((sum, { seconds: trained, waited = 0 }) => sum + trained + waited, 0);
  const earlier = Math.max(0, logged - since(pretrainStart));
  const pretrain = since(pretrainStart) + earlier;

  const evaluateStart = clock();
  const model = { config, params, statistics, experiment };
  const evaluated = subjectOf(model, splits, {
    ...{ execute, leftOut: leftOut.test ?? {}, leftOutBySplit: leftOut, batch: experiment.training.batch },
  });
  const evaluation = await evaluateTasks(evaluated, (what) => around.onNote?.(`evaluate: ${what}`)).finally(
    evaluated.cutting.cutter.close,
  );
  const seconds = { media, pretrain, evaluate: since(evaluateStart), total: since(started) + earlier };
  const input: ReportInput = {
    title: "KDC-MAE demo",
    summary: `Pretrained from scratch on ${splits.train.length} synthetic clips, evaluated on ${splits.test.length} clips made from another seed.`,
    engine,
    seconds,
    settings: [
      ["command", ["kdc-mae demo", ...(options.recipe ?? [])].join(" ")],
      ...settingsOf(experiment, countParameters(params), steps),
    ],
    losses: lossCurves(log),
    ...evaluation,
  };
  return { folder: out, input, page: await writeReport(folder.path, input) };
}
