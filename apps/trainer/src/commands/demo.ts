import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import {
  headline,
  intervalText,
  numberText,
  type ReportInput,
  reportHtml,
  reportJson,
  reportMarkdown,
} from "@kdc-mae/eval";
import { countParameters } from "@kdc-mae/model";
import type { Command } from "commander";
import { measureStatistics } from "../corpus/batch.js";
import { frontEndFor } from "../corpus/front-end.js";
import { expectClips, findFfmpeg, loadSplits, syntheticItems } from "../corpus/splits.js";
import { evaluate } from "../evaluate/evaluate.js";
import { parseChange } from "../experiment/change.js";
import { loadExperiment } from "../experiment/load.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import { noiseAndTimeShift } from "../pretrain/augment.js";
import { memorySource } from "../pretrain/batch-source.js";
import { maskerFor } from "../pretrain/masker.js";
import { pretrain } from "../pretrain/pretrain.js";
import { configFor, saveModel } from "../run/model-file.js";
import { openRunFolder, type RunFolder } from "../run/run-folder.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { startProgress } from "../terminal/progress.js";
import { type EngineChoice, engineName, executeFor, withEngineOptions } from "./engine-options.js";

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
    .option("--media <folder>", "where the made clips go, and are found again", "runs/demo-media")
    .option("--set <key=value>", "change the experiment, such as training.epochs=5", collect, [])
    .option("--json", "print report.json on stdout")
    .addHelpText("after", "\nExample:\n  kdc-mae demo --out runs/demo\n");
  withEngineOptions(command).action((options: DemoOptions) => untilInterrupted((signal) => runDemo(options, signal)));
}

const collect = (value: string, before: string[]) => [...before, value];

/** A report in the folder means the last run ended; its training state makes room for a new one. */
async function clearFinished(folder: string): Promise<void> {
  if (!existsSync(join(folder, "report.json"))) return;
  for (const name of ["state.safetensors", "log.jsonl", "experiment.json", "report.json"]) {
    await rm(join(folder, name), { force: true });
  }
}

async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const experiment = await loadExperiment("demo", options.set.map(parseChange));
  await clearFinished(options.out);
  const folder = await openRunFolder(options.out, experiment);
  const config = configFor(experiment);
  const grids = { audio: config.audio, visual: config.visual };
  const frontEnd = frontEndFor(grids, experiment.visual.framesPerClip);
  const ffmpeg = await findFfmpeg();
  const { data } = experiment;
  if (data.kind !== "synthetic") throw new Error("the demo makes its own data");
  const items = await syntheticItems(data, { directory: options.media, ffmpeg, seed: experiment.seed, signal });
  const { splits, leftOut, messages } = await loadSplits(items, frontEnd, { ffmpeg, signal });
  for (const message of messages) process.stderr.write(`left out: ${message}\n`);
  expectClips("train", splits.train);
  expectClips("test", splits.test);
  const statistics = measureStatistics(splits.train);
  const media = since(started);

  const execute = executeFor(options);
  const pretrainStart = performance.now();
  const steps = experiment.training.epochs * Math.floor(splits.train.length / experiment.training.batch);
  const progress = startProgress("pretrain", steps, "steps");
  const { params, finished } = await pretrain({
    experiment,
    config,
    source: memorySource({
      clips: splits.train,
      grids,
      statistics,
      masker: maskerFor(experiment),
      batch: experiment.training.batch,
      seed: experiment.seed,
      change: experiment.audio.noise ? noiseAndTimeShift : undefined,
    }),
    execute,
    folder,
    onProgress: ({ step, total }) => progress.update(step, `loss ${total.toFixed(3)}`),
    signal,
  });
  progress.stop();
  if (!finished) {
    process.stderr.write(`stopped; the same command goes on from here (${resolve(options.out)})\n`);
    process.exitCode = 130;
    return;
  }
  await saveModel(folder.file("model.safetensors"), { config, params, statistics, experiment });
  const pretrainSeconds = since(pretrainStart);

  const evaluateStart = performance.now();
  const evaluation = await evaluate({
    splits,
    model: { execute, config, params },
    cutting: { grids, statistics, batch: experiment.training.batch },
    seed: experiment.seed,
    ratio: experiment.masking.visualRatio,
    normPixels: false,
    leftOut,
    onProgress: (what) => process.stderr.write(`evaluate: ${what}\n`),
  });
  const seconds = {
    media,
    pretrain: pretrainSeconds,
    evaluate: since(evaluateStart),
    total: since(started),
  };
  const input: ReportInput = {
    title: "KDC-MAE demo",
    summary: `Pretrained from scratch on ${splits.train.length} made clips, evaluated on ${splits.test.length} clips made from another seed.`,
    engine: engineName(options),
    seconds,
    settings: settingsOf(experiment, countParameters(params), steps),
    losses: await lossesOf(folder),
    ...evaluation,
  };
  await writeReport(folder, input);
  if (options.json) process.stdout.write(`${reportJson(input)}\n`);
  else process.stdout.write(`${headlineTable(input)}\n\nreport: ${resolve(folder.file("report.html"))}\n`);
}

function settingsOf(experiment: CheckedExperiment, parameters: number, steps: number): [string, string][] {
  const { optimizer, training, masking, objective, seed } = experiment;
  return [
    ["command", "kdc-mae demo"],
    ["parameters", parameters.toLocaleString("en")],
    [
      "views",
      `${masking.views}, ${masking.kind}, hiding ${masking.audioRatio} of the sound and ${masking.visualRatio} of the picture`,
    ],
    [
      "objective",
      objective.map(({ term, weight = 1 }) => `${weight} × ${String(term)}`).join(" + "),
    ],
    ["optimizer", `${optimizer.kind}, learning rate ${optimizer.learningRate}`],
    ["training", `${steps} steps of ${training.batch} clips`],
    ["seed", String(seed)],
  ];
}

async function lossesOf(folder: RunFolder): Promise<ReportInput["losses"]> {
  const log = await folder.readLog();
  const names = Object.keys(log[0]?.losses ?? {});
  return {
    steps: log.map(({ step }) => step),
    series: Object.fromEntries(names.map((name) => [name, log.map(({ losses }) => losses[name])])),
  };
}

async function writeReport(folder: RunFolder, input: ReportInput): Promise<void> {
  const deflate = (bytes: Uint8Array) => new Uint8Array(deflateSync(bytes));
  await writeFile(folder.file("report.html"), reportHtml(input, { deflate }));
  await writeFile(folder.file("report.md"), reportMarkdown(input));
  await writeFile(folder.file("report.json"), `${reportJson(input)}\n`);
}

/** The first table of the report as aligned text. */
function headlineTable(input: ReportInput): string {
  const rows = headline(input).map(({ task, figure, kind, value, interval, baseline }) => [
    task,
    figure,
    numberText(value, kind),
    interval === undefined ? "" : intervalText(interval, kind),
    `${baseline.name} ${numberText(baseline.value, kind)}`,
  ]);
  const table = [["task", "figure", "value", "95 %", "baseline"], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
