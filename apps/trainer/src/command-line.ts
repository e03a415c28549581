import { readFileSync } from "node:fs";
import { isKdcError } from "@kdc-mae/core";
import { Command, CommanderError, Help, type Option } from "commander";
import { inErrorWords } from "./terminal/error-words.js";
import { complain, print, remark } from "./terminal/print.js";
import { expectOneProcess, failRanks, leaveRanks, REQUEUE, rankInWords, stopped } from "./terminal/ranks.js";

/** As published: the package's own. */
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** What adds a command, and those that it adds. Each is loaded when it is asked for, and all of them for the list of them. */
const commands: readonly { readonly names: readonly string[]; readonly load: () => Promise<(to: Command) => void> }[] =
  [
    { names: ["demo"], load: async () => (await import("./commands/demo.js")).addDemoCommand },
    { names: ["doctor"], load: async () => (await import("./commands/doctor.js")).addDoctorCommand },
    { names: ["survey"], load: async () => (await import("./commands/survey.js")).addSurveyCommand },
    { names: ["prepare"], load: async () => (await import("./commands/prepare.js")).addPrepareCommand },
    { names: ["pretrain"], load: async () => (await import("./commands/pretrain.js")).addPretrainCommand },
    { names: ["finetune"], load: async () => (await import("./commands/finetune.js")).addFinetuneCommand },
    { names: ["distill"], load: async () => (await import("./commands/distill.js")).addDistillCommand },
    { names: ["prune"], load: async () => (await import("./commands/prune.js")).addPruneCommand },
    { names: ["watch"], load: async () => (await import("./commands/watch.js")).addWatchCommand },
    { names: ["card", "push", "pull"], load: async () => (await import("./commands/share.js")).addShareCommands },
    { names: ["evaluate"], load: async () => (await import("./commands/evaluate.js")).addEvaluateCommand },
    { names: ["embed"], load: async () => (await import("./commands/embed.js")).addEmbedCommand },
    { names: ["ablate"], load: async () => (await import("./commands/ablate.js")).addAblateCommand },
    { names: ["experiments"], load: async () => (await import("./commands/experiments.js")).addExperimentsCommand },
    { names: ["export"], load: async () => (await import("./commands/export.js")).addExportCommand },
    { names: ["convert"], load: async () => (await import("./commands/convert.js")).addConvertCommand },
    { names: ["index"], load: async () => (await import("./commands/index-folder.js")).addIndexCommand },
    { names: ["search"], load: async () => (await import("./commands/search.js")).addSearchCommand },
    { names: ["explore"], load: async () => (await import("./commands/explore.js")).addExploreCommand },
    { names: ["classify"], load: async () => (await import("./commands/classify.js")).addClassifyCommand },
    { names: ["localize"], load: async () => (await import("./commands/localize.js")).addLocalizeCommand },
    { names: ["inpaint"], load: async () => (await import("./commands/inpaint.js")).addInpaintCommand },
    { names: ["stream"], load: async () => (await import("./commands/stream.js")).addStreamCommand },
    { names: ["parity"], load: async () => (await import("./commands/parity.js")).addParityCommand },
    { names: ["bench"], load: async () => (await import("./commands/bench.js")).addBenchCommand },
    { names: ["bench-data"], load: async () => (await import("./commands/bench-data.js")).addBenchDataCommand },
  ];

/** What is needed of the commands for these words: the one that they begin with; all, where they begin with none. */
async function loadFor([first]: readonly string[]): Promise<readonly ((to: Command) => void)[]> {
  const own = commands.filter(({ names }) => names.includes(first));
  const isVersion = first === "--version" || first === "-V";
  return Promise.all((isVersion ? [] : own.length > 0 ? own : commands).map(({ load }) => load()));
}

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

/** A pruning without training is done at once, and what it is measured by begins anew. */
const measuresAlone = (command: Command): boolean => command.name() === "prune" && command.opts().epochs === 0;

/**
 * Runs a command line, and says on stderr what went wrong.
 *
 * @param args what stands after the program's name
 * @returns the exit code where it failed: 2 for a line or an experiment that is wrong by itself (`usage`, `experiment`), 1 for what
 * it names and for work that failed, 130 for an interrupt (75 of several processes); otherwise what the command set stands
 */
export async function runCommandLine(args: readonly string[]): Promise<number | undefined> {
  const program = new Command("kdc-mae")
    .description("KDC-MAE: audio-visual self-supervised learning, from media files to reports")
    .version(version)
    .showHelpAfterError("(--help lists the options)")
    .exitOverride();
  for (const add of await loadFor(args)) add(program);
  // Commander repeats what was typed.
  const output = { writeOut: print, writeErr: remark };
  program.configureOutput(output);
  for (const command of program.commands) {
    // Lists are written as they are typed.
    for (const option of command.options) {
      const { defaultValue: list } = option;
      if (Array.isArray(list) && list.length > 0) option.default(list, list.join(","));
      if (!Array.isArray(list)) sayTwice(command, option);
    }
    command.configureHelp({ optionDescription });
    command.configureOutput(output).exitOverride().showHelpAfterError("(--help lists the options)");
  }
  let keeps = false;
  program.hook("preAction", (_, command) => {
    keeps = goesOn.has(command.name()) && !measuresAlone(command);
    if (!shared.has(command.name())) expectOneProcess(command.name());
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    leaveRanks();
    return undefined;
  } catch (thrown) {
    const { code, say = "" } = failureOf(inErrorWords(thrown), keeps);
    await failRanks(code, () => {
      // Wrong use is the same everywhere, and said once.
      if (code === 2) remark(say);
      else complain(say === "" ? "" : `${rankInWords()}${say}`);
    });
    return code;
  }
}

/** Of a value that is given twice the last one counts, as everywhere; whoever meant both is told. */
function sayTwice(command: Command, option: Option): void {
  const { long, required } = option;
  let before: string | undefined;
  command.on(`option:${option.name()}`, (value: string | undefined) => {
    if (required && before !== undefined && before !== value) {
      remark(`${long} is given more than once: ${value} counts, ${before} does not\n`);
    }
    before = value;
  });
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
