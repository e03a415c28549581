import { alignedTable } from "@kdc-mae/eval/report";
import type { Command } from "commander";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { readAssume } from "../pipeline/run/assume.js";
import { comparisonRows } from "../pipeline/small/compare-models.js";
import { prune } from "../pipeline/small/prune.js";
import { environmentOf, type Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { executeFor, withEngineOptions } from "./engine-options.js";
import { type LoggerChoice, loggersFor, withLoggers } from "./logger-options.js";
import {
  type AssumeChoice,
  collect,
  expectModelFile,
  modelWords,
  readWith,
  saysStopped,
  shareBelowOne,
  withAssume,
  zeroOrMore,
} from "./options.js";

type PruneCommandOptions = EngineChoice &
  LoggerChoice &
  AssumeChoice & {
    readonly share: number;
    readonly heads?: number;
    readonly units?: number;
    readonly epochs: number;
    readonly out: string;
    readonly media?: string;
    readonly set: readonly string[];
    readonly protocol: readonly string[];
    readonly acceptChangedData?: true;
    readonly json?: true;
  };

/** Adds `kdc-mae prune`. */
export function addPruneCommand(program: Command): void {
  const command = program
    .command("prune")
    .description("take the weakest attention heads and MLP units out of a model, and train what is left")
    .argument("<model>", modelWords)
    .option(
      "--share <share>",
      "share of the heads and of the units of every block that is taken out",
      shareBelowOne,
      0.5,
    )
    .option("--heads <share>", "take this share of the heads instead", shareBelowOne)
    .option("--units <share>", "take this share of the units instead", shareBelowOne)
    .option("--epochs <n>", "epochs of training afterwards, as the model itself was trained; 0 for none", zeroOrMore, 5)
    .option("--out <folder>", "where the models and the run go", "runs/pruned")
    .option("--media <folder>", `where synthetic clips are kept, for models trained on them (default: ${defaultMedia})`)
    .option("--set <key=value>", "change that training, such as optimizer.learningRate=1e-4", collect, [])
    .option(
      "--protocol <name>",
      "measure the whole, the pruned and the trained model under this protocol; may be given several times",
      collect,
      [],
    )
    .option("--accept-changed-data", "go on with a run though its data changed since it began; the run records it")
    .option("--json", "print the comparison as JSON")
    .addHelpText(
      "after",
      "\nWhat comes out has smaller matrices, no zeros: a model like any other, which exports smaller and computes less.\n" +
        "\nExample:\n  kdc-mae prune runs/demo/model.safetensors --share 0.5 --protocol retrieval-middle-frame\n",
    );
  readWith<PruneCommandOptions>(withEngineOptions(withLoggers(withAssume(command))), [
    {
      options: ["share"],
      when: ({ heads, units }) => heads === undefined || units === undefined,
      what: "--heads and --units together leave nothing for it to say",
      remedy: "Leave one of the three out",
    },
    {
      options: ["set", "acceptChangedData", "tensorboard", "mlflow"],
      when: ({ epochs }) => epochs > 0,
      what: "nothing is trained with --epochs 0",
      remedy: "Leave it out, or give more epochs",
    },
    {
      options: ["media"],
      when: ({ epochs, protocol }) => epochs > 0 || protocol.length > 0,
      what: "nothing is trained or measured on clips",
      remedy: "Leave it out, or add --protocol or epochs",
    },
  ]).action((model: string, options: PruneCommandOptions) => atTerminal((around) => run(model, options, around)));
}

async function run(model: string, options: PruneCommandOptions, around: Surroundings): Promise<void> {
  const {
    share: both,
    heads = both,
    units = both,
    epochs,
    out,
    media,
    set,
    protocol,
    acceptChangedData,
    json,
  } = options;
  expectModelFile("prune", model);
  const { finished, folder, file, compared } = await prune(model, {
    ...{ ...around, shares: { heads, units }, epochs, out, media, acceptChangedData },
    ...{ changes: set.map(parseChange), protocols: protocol, assume: await readAssume(options.assume) },
    ...{ execute: await executeFor(options), loggers: loggersFor(options, out, environmentOf(around)) },
  });
  if (!finished || compared === undefined) return saysStopped(folder);
  print(json ? `${JSON.stringify(compared)}\n` : `${alignedTable(comparisonRows(compared))}\n\nmodel: ${file}\n`);
}
