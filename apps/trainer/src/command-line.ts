import { readFileSync } from "node:fs";
import { isKdcError } from "@kdc-mae/core";
import { Command, CommanderError, Help, type Option } from "commander";
import { addAblateCommand } from "./commands/ablate.js";
import { addBenchCommand } from "./commands/bench.js";
import { addBenchDataCommand } from "./commands/bench-data.js";
import { addClassifyCommand } from "./commands/classify.js";
import { addConvertCommand } from "./commands/convert.js";
import { addDemoCommand } from "./commands/demo.js";
import { addDistillCommand } from "./commands/distill.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addEmbedCommand } from "./commands/embed.js";
import { addEvaluateCommand } from "./commands/evaluate.js";
import { addExperimentsCommand } from "./commands/experiments.js";
import { addExploreCommand } from "./commands/explore.js";
import { addExportCommand } from "./commands/export.js";
import { addFinetuneCommand } from "./commands/finetune.js";
import { addIndexCommand } from "./commands/index-folder.js";
import { addInpaintCommand } from "./commands/inpaint.js";
import { addLocalizeCommand } from "./commands/localize.js";
import { addParityCommand } from "./commands/parity.js";
import { addPrepareCommand } from "./commands/prepare.js";
import { addPretrainCommand } from "./commands/pretrain.js";
import { addPruneCommand } from "./commands/prune.js";
import { addSearchCommand } from "./commands/search.js";
import { addShareCommands } from "./commands/share.js";
import { addStreamCommand } from "./commands/stream.js";
import { addSurveyCommand } from "./commands/survey.js";
import { addWatchCommand } from "./commands/watch.js";
import { inErrorWords } from "./terminal/error-words.js";
import { complain, print, remark } from "./terminal/print.js";
import { expectOneProcess, failRanks, leaveRanks, REQUEUE, rankInWords, stopped } from "./terminal/ranks.js";

/** As published: the package's own. */
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const commands = [
  addDemoCommand,
  addDoctorCommand,
  addSurveyCommand,
  addPrepareCommand,
  addPretrainCommand,
  addFinetuneCommand,
  addDistillCommand,
  addPruneCommand,
  addWatchCommand,
  addShareCommands,
  addEvaluateCommand,
  addEmbedCommand,
  addAblateCommand,
  addExperimentsCommand,
  addExportCommand,
  addConvertCommand,
  addIndexCommand,
  addSearchCommand,
  addExploreCommand,
  addClassifyCommand,
  addLocalizeCommand,
  addInpaintCommand,
  addStreamCommand,
  addParityCommand,
  addBenchCommand,
  addBenchDataCommand,
];

/** Commands whose work processes share that `mpirun` started. */
const shared: ReadonlySet<string> = new Set([
  ...["prepare", "survey", "pretrain", "finetune", "evaluate"],
  ...["embed", "index", "classify"],
]);

/** Commands that keep what they have done, and go on from there when they are given again. */
const goesOn: ReadonlySet<string> = new Set([
  ...["prepare", "pretrain", "finetune", "ablate", "distill", "prune"],
  ...["index", "demo"],
]);

/**
 * Runs a command line, and says on stderr what went wrong.
 *
 * @param args what stands after the program's name
 * @returns the exit code where it failed: 1, 2 for bad usage, 130 for an interrupt; otherwise what the command set stands
 */
export async function runCommandLine(args: readonly string[]): Promise<number | undefined> {
  const program = new Command("kdc-mae")
    .description("KDC-MAE: audio-visual self-supervised learning, from media files to reports")
    .version(version)
    .showHelpAfterError("(--help lists the options)")
    .exitOverride();
  for (const add of commands) add(program);
  // Commander repeats what was typed.
  const output = { writeOut: print, writeErr: remark };
  program.configureOutput(output);
  for (const command of program.commands) {
    // Lists are written as they are typed.
    for (const option of command.options) {
      const { defaultValue: list } = option;
      if (Array.isArray(list) && list.length > 0) option.default(list, list.join(","));
    }
    command.configureHelp({ optionDescription });
    command.configureOutput(output).exitOverride().showHelpAfterError("(--help lists the options)");
  }
  program.hook("preAction", (_, command) => {
    if (!shared.has(command.name())) expectOneProcess(command.name());
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    leaveRanks();
    return undefined;
  } catch (thrown) {
    const { code, say = "" } = failureOf(inErrorWords(thrown), goesOn.has(args[0]));
    await failRanks(code, () => {
      // Wrong use is the same everywhere, and said once.
      if (code === 2) remark(say);
      else complain(say === "" ? "" : `${rankInWords()}${say}`);
    });
    return code;
  }
}

/** An option's text in a command's help: of a list that is empty unless given, no default is told. */
const optionDescription = (option: Option): string =>
  Array.isArray(option.defaultValue) && option.defaultValue.length === 0
    ? option.description
    : new Help().optionDescription(option);

/** What a failure is exited with, and said of it: `canGoOn` where a command that was stopped has kept what it did. */
function failureOf(error: unknown, canGoOn: boolean): { readonly code: number; readonly say?: string } {
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? 0 : 2 };
  if (isKdcError(error) && error.reason !== "aborted") {
    const isUse = error.reason === "experiment" || error.reason === "usage";
    return { code: isUse ? 2 : error.reason === "rank-lost" ? REQUEUE : 1, say: `${error.message}\n` };
  }
  if (isKdcError(error) || (error instanceof Error && error.name === "AbortError")) {
    return { code: stopped(), say: canGoOn ? "stopped; the same command goes on from here\n" : "stopped\n" };
  }
  return { code: 1, say: `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n` };
}
