import { alignedTable } from "@kdc-mae/eval/report";
import type { Command } from "commander";
import { defaultMedia } from "../pipeline/corpus/open-corpus.js";
import { parseChange } from "../pipeline/experiment/change.js";
import { loadExperiment } from "../pipeline/experiment/load.js";
import { comparisonRows } from "../pipeline/small/compare-models.js";
import { distill, studentExperiment, usualProtocols } from "../pipeline/small/distill.js";
import { environmentOf, type Surroundings } from "../pipeline/surroundings.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import type { EngineChoice } from "./chosen-engine.js";
import { executeFor, withEngineOptions } from "./engine-options.js";
import { type LoggerChoice, loggersFor, withLoggers } from "./logger-options.js";
import { collect, expectModelFile, modelWords, saysStopped } from "./options.js";

type DistillCommandOptions = EngineChoice &
  LoggerChoice & {
    readonly out?: string;
    readonly media?: string;
    readonly set: readonly string[];
    readonly protocol: readonly string[];
    readonly acceptChangedData?: true;
    readonly json?: true;
  };

/** Adds `kdc-mae distill`. */
export function addDistillCommand(program: Command): void {
  const command = program
    .command("distill")
    .description("train a smaller model on a larger one's embeddings; run again, it goes on where it was stopped")
    .argument("<teacher>", modelWords)
    .argument(
      "[experiment]",
      "an experiment that says what the student is trained on and how: a name or a file (default: the teacher's own)",
    )
    .option("--out <folder>", "where the run goes (default: runs/<name>-student)")
    .option(
      "--media <folder>",
      `where synthetic clips are kept, for experiments that make their own (default: ${defaultMedia})`,
    )
    .option("--set <key=value>", "change the student or its training, such as model.embedDim=32", collect, [])
    .option(
      "--protocol <name>",
      `measure teacher and student under this protocol; may be given several times (default: ${usualProtocols.join(", ")})`,
      collect,
      [],
    )
    .option("--accept-changed-data", "go on with a run though its data changed since it began; the run records it")
    .option("--json", "print the comparison as JSON")
    .addHelpText(
      "after",
      "\nThe student has half the teacher's channels, heads and blocks unless --set says otherwise, and is a model like any\n" +
        "other: it embeds, is fine-tuned, evaluated, indexed with and exported.\n" +
        "\nExample:\n  kdc-mae distill runs/demo/model.safetensors --out runs/student --set training.epochs=10\n",
    );
  withEngineOptions(withLoggers(command)).action(
    (teacher: string, experiment: string | undefined, options: DistillCommandOptions) =>
      atTerminal((around) => run(teacher, experiment, options, around)),
  );
}

async function run(
  teacher: string,
  experiment: string | undefined,
  { out, media, set, protocol, acceptChangedData, json, ...rest }: DistillCommandOptions,
  around: Surroundings,
): Promise<void> {
  expectModelFile("distill", teacher);
  const asked = {
    ...{ ...around, media, acceptChangedData, changes: set.map(parseChange), execute: await executeFor(rest) },
    ...(experiment === undefined ? {} : { experiment: await loadExperiment(experiment, []) }),
    ...(protocol.length === 0 ? {} : { protocols: protocol }),
  };
  const to = out ?? `runs/${(await studentExperiment(teacher, { ...asked, out: "" })).name}`;
  const { finished, folder, file, steps, compared } = await distill(teacher, {
    ...{ ...asked, out: to, loggers: loggersFor(rest, to, environmentOf(around)) },
  });
  if (!finished || compared === undefined) return saysStopped(folder);
  print(
    json
      ? `${JSON.stringify(compared)}\n`
      : `${alignedTable(comparisonRows(compared))}\n\nmodel: ${file} (${steps} steps)\n`,
  );
}
