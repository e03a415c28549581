import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { withLock } from "@kdc-mae/core/node";
import { type ReportInput, reportJson } from "@kdc-mae/eval";
import { countParameters } from "@kdc-mae/model";
import type { Command } from "commander";
import { measureStatistics } from "../pipeline/corpus/batch.js";
import { frontEndFor } from "../pipeline/corpus/front-end.js";
import { defaultMedia, openCorpus } from "../pipeline/corpus/open-corpus.js";
import { evaluate } from "../pipeline/evaluate/evaluate.js";
import { lossCurves, settingsOf } from "../pipeline/evaluate/run-in-words.js";
import { headlineTable, writeReport } from "../pipeline/evaluate/write-report.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { loadExperiment } from "../pipeline/experiment/load.js";
import { memorySourceFor } from "../pipeline/pretrain/memory-source.js";
import { runPretraining } from "../pipeline/pretrain/run-pretraining.js";
import { configFor } from "../pipeline/run/model-file.js";
import { openRunFolder } from "../pipeline/run/run-folder.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { type EngineChoice, engineName, executeFor, withEngineOptions } from "./engine-options.js";
import { collect, saysStopped } from "./options.js";

type DemoOptions = EngineChoice & {
  readonly out: string;
  readonly media: string;
  readonly set: string[];
  readonly json?: true;
};

const since = (start: number) => (performance.now() - start) / 1000;

/** Adds `kdc-mae demo`. */
export function addDemoCommand(program: Command): void {
  const command = program
    .command("demo")
    .description("make a small set of sounding clips, pretrain on it, evaluate all four tasks, write a report")
    .option("--out <folder>", "where the run and its report go", "runs/demo")
    .option("--media <folder>", "where the made clips go, and are found again", defaultMedia)
    .option("--set <key=value>", "change the experiment, such as training.epochs=5", collect, [])
    .option("--json", "print report.json on stdout")
    .addHelpText("after", "\nExample:\n  kdc-mae demo --out runs/demo\n");
  withEngineOptions(command).action((options: DemoOptions) =>
    atTerminal((around) => withLock(options.out, () => runDemo(options, around))),
  );
}

/** A report in the folder means the last run ended; what it kept for going on makes room for a new one. */
async function clearFinished(folder: string): Promise<void> {
  if (!existsSync(join(folder, "report.json"))) return;
  for (const name of ["state.safetensors", "log.jsonl", "experiment.json", "report.json"]) {
    await rm(join(folder, name), { force: true });
  }
}

async function runDemo(options: DemoOptions, around: Surroundings): Promise<void> {
  const started = performance.now();
  const experiment = await loadExperiment("demo", options.set.map(parseChange));
  await clearFinished(options.out);
  const folder = await openRunFolder(options.out, experiment);
  const config = configFor(experiment);
  const grids = { audio: config.audio, visual: config.visual };
  const { splits, leftOut } = await openCorpus(experiment, frontEndFor(grids, experiment.visual.framesPerClip), {
    media: options.media,
    needs: ["train", "validation", "test"],
    ...around,
  });
  const { statistics: given } = experiment.audio;
  const statistics = given === "measured" ? measureStatistics(splits.train) : given;
  const media = since(started);

  const execute = executeFor(options);
  const pretrainStart = performance.now();
  const trained = await runPretraining({
    folder,
    config,
    source: memorySourceFor(experiment, config, splits.train, statistics),
    statistics,
    execute,
    ...around,
  });
  if (!trained.finished) return saysStopped(options.out);
  const { params, steps } = trained;
  const pretrain = since(pretrainStart);

  const evaluateStart = performance.now();
  const evaluation = await evaluate({
    splits,
    model: { execute, config, params },
    cutting: { grids, statistics, batch: experiment.training.batch },
    experiment,
    leftOut,
    onProgress: (what) => around.onNote?.(`evaluate: ${what}`),
  });
  const seconds = { media, pretrain, evaluate: since(evaluateStart), total: since(started) };
  const input: ReportInput = {
    title: "KDC-MAE demo",
    summary: `Pretrained from scratch on ${splits.train.length} made clips, evaluated on ${splits.test.length} clips made from another seed.`,
    engine: engineName(options),
    seconds,
    settings: [["command", "kdc-mae demo"], ...settingsOf(experiment, countParameters(params), steps)],
    losses: lossCurves(await folder.readLog()),
    ...evaluation,
  };
  const page = await writeReport(folder.path, input);
  process.stdout.write(
    options.json ? `${reportJson(input)}\n` : `${headlineTable(input)}\n\nreport: ${resolve(page)}\n`,
  );
}
