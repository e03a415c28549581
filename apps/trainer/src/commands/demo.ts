import { reportJson } from "@kdc-mae/eval/report";
import type { Command } from "commander";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { demo } from "../pipeline/demo/demo.js";
import { headlineTable } from "../pipeline/evaluate/write-report.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { loadExperiment } from "../pipeline/experiment/load.js";
import { quoted } from "../pipeline/shell-word.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { engineName, executeFor, withEngineOptions } from "./engine-options.js";
import { collect, saysStopped } from "./options.js";

type DemoCommandOptions = EngineChoice & {
  readonly out: string;
  readonly media?: string;
  readonly set: string[];
  readonly json?: true;
};

/** Adds `kdc-mae demo`. */
export function addDemoCommand(program: Command): void {
  const command = program
    .command("demo")
    .description("make a small set of sounding clips, pretrain on it, evaluate all four tasks, write a report")
    .option("--out <folder>", "where the run and its report go", "runs/demo")
    .option("--media <folder>", `where the synthetic clips are kept, and found again (default: ${defaultMedia})`)
    .option("--set <key=value>", "change the experiment, such as training.epochs=5", collect, [])
    .option("--json", "print report.json on stdout")
    .addHelpText("after", "\nExample:\n  kdc-mae demo --out runs/demo\n");
  withEngineOptions(command).action((options: DemoCommandOptions) => atTerminal((around) => run(options, around)));
}

async function run(options: DemoCommandOptions, around: Surroundings): Promise<void> {
  const { out, media, set, json } = options;
  const experiment = await loadExperiment("demo", set.map(parseChange));
  const { folder, input, page } = await demo(experiment, {
    ...{ ...around, out, media, execute: await executeFor(options), engine: await engineName(options) },
    recipe: set.map((change) => `--set ${quoted(change)}`),
  });
  if (input === undefined) return saysStopped(folder);
  print(json ? `${reportJson(input)}\n` : `${headlineTable(input)}\n\nreport: ${page}\n`);
}
