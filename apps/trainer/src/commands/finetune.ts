import { intervalText, numberText, overText } from "@kdc-mae/eval/report";
import type { Command } from "commander";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { finetune } from "../pipeline/finetune/from-experiment.js";
import { loadFineTuning, namedFineTunings } from "../pipeline/finetune/named.js";
import type { FineTuningResult } from "../pipeline/finetune/run-fine-tuning.js";
import { readAssume } from "../pipeline/run/assume.js";
import { environmentOf, type Surroundings } from "../pipeline/surroundings.js";
import { atRanks } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { executeFor, withEngineOptions } from "./engine-options.js";
import { listNamed } from "./list-named.js";
import { type LoggerChoice, loggersFor, withLoggers } from "./logger-options.js";
import {
  type AssumeChoice,
  collect,
  type DataOptions,
  dataChanges,
  saysStopped,
  withAssume,
  withDataOptions,
} from "./options.js";

type FinetuneOptions = EngineChoice &
  LoggerChoice &
  AssumeChoice &
  DataOptions & {
    readonly init?: string;
    readonly verify?: true;
    readonly acceptChangedData?: true;
    readonly out?: string;
    readonly media?: string;
    readonly set: string[];
    readonly json?: true;
  };

/** Adds `kdc-mae finetune`. */
export function addFinetuneCommand(program: Command): void {
  const command = program
    .command("finetune")
    .description("train a classifier on a pretrained encoder; run again, it goes on where it was stopped")
    .argument("<experiment>", "a name, or a .ts, .mjs or .json file")
    .option("--init <checkpoint>", "the encoder to begin with (.safetensors, .pth) (default: fresh weights)")
    .option("--out <folder>", "where the run goes (default: runs/<name>)")
    .option(
      "--media <folder>",
      `where synthetic clips are kept, for experiments that make their own (default: ${defaultMedia})`,
    )
    .option("--set <key=value>", "change the experiment, such as mode=audio-only", collect, [])
    .option("--accept-changed-data", "go on with a run though its data changed since it began; the run records it")
    .option("--verify", "read every prepared shard first and compare its checksum")
    .option("--json", "print result.json on stdout")
    .addHelpText(
      "after",
      `${listNamed(namedFineTunings)}
Examples:
  kdc-mae finetune demo-finetune --init runs/demo/model.safetensors
  kdc-mae finetune vggsound --init cav-mae.pth --set data.path=train.json \\
    --set 'evaluation.data={"kind":"manifest","path":"test.json"}' --set classes=class_labels_indices.csv
`,
    );
  withEngineOptions(withLoggers(withAssume(withDataOptions(command)))).action(
    (experiment: string, options: FinetuneOptions) => atRanks((around) => run(experiment, options, around)),
  );
}

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? "none" : numberText(value, "share");

/** The result in a few lines. */
function inWords(result: FineTuningResult, metric: string, split: string): string {
  const { evaluated, recordings, best, last, averaged, intervals, files } = result;
  const beside = (of: FineTuningResult["intervals"]["last"] | undefined): string => {
    const ends = intervalText(of?.[metric], "share");
    return ends === "" ? "" : ` (95 % ${ends})`;
  };
  const over = overText({ count: evaluated, unit: `${split} clips`, recordings });
  const lines = [
    `${metric} on the ${over}: best ${percent(best.score)} (epoch ${best.epoch}, chosen on these clips), last ${percent(last[metric])}${beside(intervals.last)}`,
    ...(averaged === undefined
      ? []
      : [`mean of ${averaged.epochs} epochs' weights: ${percent(averaged[metric])}${beside(intervals.averaged)}`]),
    ...files.map((file) => `model: ${file}`),
  ];
  return `${lines.join("\n")}\n`;
}

async function run(
  name: string,
  { set, out, init, media, verify, acceptChangedData, json, assume, ...rest }: FinetuneOptions,
  around: Surroundings,
): Promise<void> {
  const experiment = await loadFineTuning(name, [...set.map(parseChange), ...dataChanges(rest)]);
  const to = out ?? `runs/${experiment.name}`;
  const { result, folder } = await finetune(experiment, {
    ...{ ...around, init, media, verify, acceptChangedData, out: to },
    loggers: loggersFor(rest, to, environmentOf(around)),
    ...{ execute: await executeFor(rest), assume: await readAssume(assume) },
  });
  if (result === undefined) return saysStopped(folder);
  const metric = experiment.loss.kind === "cross-entropy" ? "accuracy" : "mAP";
  print(json ? `${JSON.stringify(result, null, 2)}\n` : inWords(result, metric, experiment.evaluation.split));
}
