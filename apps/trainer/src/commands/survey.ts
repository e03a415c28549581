import { availableCpus } from "@kdc-mae/core/node";
import {
  beyondInWords,
  manifestFormats,
  type Problem,
  passedOverInWords,
  surveyedSeconds,
  surveyReasons,
} from "@kdc-mae/data/node";
import { type Command, Option } from "commander";
import type { DecoderChoice } from "../pipeline/corpus/open-decoder.js";
import type { ManifestChoice } from "../pipeline/prepare/manifest-choice.js";
import { surveyData } from "../pipeline/prepare/survey-data.js";
import { quoted } from "../pipeline/shell-word.js";
import type { Surroundings } from "../pipeline/surroundings.js";
import { atRanks } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { atLeastOne, many, positiveNumber, withDecoderOption } from "./options.js";

/** Adds the options that say how a manifest is read. */
export const withManifestOptions = (command: Command): Command =>
  command
    .addOption(
      new Option("--format <format>", "kind of manifest (default: recognised by its content)").choices([
        ...manifestFormats,
      ]),
    )
    .option("--media-root <folder>", "where paths begin, and which none may leave (default: the manifest's folder)")
    .option("--allow-outside", "let paths lead out of the media root")
    .option("--classes <file>", "class list: index,mid,display_name or one name per line")
    .option("--labels <file>", "take only clips with a label of this list, one per line")
    .option("--split-by <shares>", "share out clips without a split among train, validation and test: 0.8,0.1,0.1")
    .option("--windows <seconds>", "cut long recordings into clips of this many seconds", positiveNumber);

/** The choice alone, out of a command's options. */
export const manifestChoiceOf = (options: ManifestChoice): ManifestChoice => {
  const { format, mediaRoot, allowOutside, classes, labels, splitBy, windows } = options;
  return { format, mediaRoot, allowOutside, classes, labels, splitBy, windows };
};

type Options = ManifestChoice &
  DecoderChoice & {
    readonly workers: number;
    readonly clean?: string;
    readonly requireLabels?: boolean;
    readonly json?: boolean;
  };

/** `kdc-mae survey`: what a data set really holds. */
export function addSurveyCommand(program: Command): void {
  withDecoderOption(withManifestOptions(program.command("survey")))
    .description("look at every clip of a folder or manifest, and say how many can be used and why the others cannot")
    .argument("<manifest>", "a folder of media, or a CSV, JSONL or JSON manifest")
    .option("--workers <n>", "clips looked at side by side", atLeastOne, availableCpus() + 1)
    .option("--clean <file>", "write a manifest (JSONL) of the clips that can be used")
    .option("--require-labels", "count clips without a label as label-unknown")
    .option("--json", "print the result as JSON, every problem with its message")
    .addHelpText("after", "\nExample:\n  kdc-mae survey vggsound.csv --media-root videos --clean usable.jsonl\n")
    .action((path: string, options: Options) => atRanks((around) => run(path, options, around)));
}

async function run(path: string, options: Options, around: Surroundings): Promise<void> {
  const problems: Problem[] = [];
  const shown = (reason: Problem["reason"]) => problems.filter((problem) => problem.reason === reason).slice(0, 3);
  const { workers, clean, requireLabels, decoder } = options;
  const { mediaRoot, ...result } = await surveyData(path, {
    ...{ ...around, ...manifestChoiceOf(options), workers, clean, requireLabels, decoder },
    onProblem: (problem) => {
      if (options.json || shown(problem.reason).length < 3) problems.push(problem);
    },
  });
  if (options.json) {
    const listed = problems.map(({ item, ...problem }) => ({ id: item.id, path: item.path, ...problem }));
    print(`${JSON.stringify({ ...result, problems: listed }, null, 2)}\n`);
    return;
  }
  const row = (name: string, count: number) =>
    `${name.padEnd(14)} ${String(count).padStart(9)} ${((100 * count) / Math.max(1, result.total)).toFixed(1).padStart(6)} %\n`;
  print(row("clips", result.total));
  print(row("usable", result.usable));
  for (const reason of surveyReasons) {
    if (result.reasons[reason] === 0) continue;
    print(row(`  ${reason}`, result.reasons[reason]));
    for (const { item, message } of shown(reason)) print(`      ${item.id}: ${message}\n`);
  }
  for (const [split, count] of Object.entries(result.splits)) print(row(`split ${split}`, count));
  print(`${many(Object.keys(result.labels).length, "label")}\n`);
  const beyond = beyondInWords(result.beyond, surveyedSeconds);
  if (beyond !== undefined) print(`${beyond}\n`);
  const passed = passedOverInWords(result.passedOver);
  if (passed !== undefined) print(`${passed}\n`);
  if (result.usable < result.total) print("--json lists every clip that cannot be used\n");
  if (options.clean !== undefined) {
    print(`usable clips are listed in ${options.clean}; read it with --media-root ${quoted(mediaRoot)}\n`);
  }
}
