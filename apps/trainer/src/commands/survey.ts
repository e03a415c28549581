import { availableParallelism } from "node:os";
import {
  countItems,
  createPipesDecoder,
  locateFfmpeg,
  type ManifestFormat,
  manifestFormats,
  openManifest,
  type Problem,
  readClassLabels,
  survey,
  surveyReasons,
} from "@kdc-mae/data/node";
import { type Command, Option } from "commander";
import { untilInterrupted } from "../terminal/interrupt.js";
import { startProgress } from "../terminal/progress.js";
import { atLeastOne } from "./options.js";

/** Which clips, as chosen on the command line. */
export type ManifestChoice = {
  readonly format?: ManifestFormat;
  readonly mediaRoot?: string;
  readonly allowOutside?: boolean;
  readonly classes?: string;
};

/** Adds the options that say how a manifest is read. */
export const withManifestOptions = (command: Command): Command =>
  command
    .addOption(new Option("--format <format>", "kind of manifest (default: found out)").choices([...manifestFormats]))
    .option("--media-root <folder>", "where paths begin, and which none may leave (default: the manifest's folder)")
    .option("--allow-outside", "let paths lead out of the media root")
    .option("--classes <file>", "class list: index,mid,display_name or one name per line");

/** Opens the manifest of a choice with its class list. */
export async function openChosen(path: string, { classes, ...options }: ManifestChoice) {
  const labels = classes === undefined ? undefined : await readClassLabels(classes);
  return { manifest: await openManifest(path, { ...options, classes: labels }), classes: labels };
}

type Options = ManifestChoice & {
  readonly workers: number;
  readonly clean?: string;
  readonly requireLabels?: boolean;
  readonly json?: boolean;
};

/** `kdc-mae survey`: what a data set really holds. */
export function addSurveyCommand(program: Command): void {
  withManifestOptions(program.command("survey"))
    .description("Look at every clip of a folder or manifest, and say how many can be used and why the others cannot")
    .argument("<manifest>", "a folder of media, or a CSV, JSONL or JSON manifest")
    .option("--workers <n>", "clips looked at side by side", atLeastOne, availableParallelism() + 1)
    .option("--clean <file>", "write a manifest (JSONL) of the clips that can be used")
    .option("--require-labels", "count clips without a label as label-unknown")
    .option("--json", "print the result as JSON, every problem with its message")
    .addHelpText("after", "\nExample:\n  kdc-mae survey vggsound.csv --media-root videos --clean usable.jsonl\n")
    .action((path: string, options: Options) => untilInterrupted((signal) => run(path, options, signal)));
}

async function run(path: string, options: Options, signal: AbortSignal): Promise<void> {
  const { manifest, classes } = await openChosen(path, options);
  const ffmpeg = await locateFfmpeg({ env: process.env });
  const progress = startProgress("survey", await countItems(manifest), "clips");
  const problems: Problem[] = [];
  const result = await survey({
    ...{ manifest, classes, signal, workers: options.workers },
    decoder: createPipesDecoder(ffmpeg.path),
    cleaned: options.clean,
    requireLabels: options.requireLabels,
    onProblem: (problem) => {
      if (options.json) problems.push(problem);
    },
    onProgress: ({ done, problems: count }) => progress.update(done, `${count} with a problem`),
  }).finally(() => progress.stop());
  if (options.json) {
    const listed = problems.map(({ item, ...problem }) => ({ id: item.id, path: item.path, ...problem }));
    process.stdout.write(`${JSON.stringify({ ...result, problems: listed }, null, 2)}\n`);
    return;
  }
  const row = (name: string, count: number) =>
    `${name.padEnd(14)} ${String(count).padStart(9)} ${((100 * count) / Math.max(1, result.total)).toFixed(1).padStart(6)} %\n`;
  process.stdout.write(row("clips", result.total));
  process.stdout.write(row("usable", result.usable));
  for (const reason of surveyReasons) {
    if (result.reasons[reason] > 0) process.stdout.write(row(`  ${reason}`, result.reasons[reason]));
  }
  for (const [split, count] of Object.entries(result.splits)) process.stdout.write(row(`split ${split}`, count));
  process.stdout.write(`${Object.keys(result.labels).length} labels\n`);
  if (options.clean !== undefined) {
    process.stdout.write(
      `usable clips are listed in ${options.clean}; read it with --media-root ${manifest.media.root}\n`,
    );
  }
}
