import { isKdcError } from "@kdc-mae/core";
import { Command, CommanderError } from "commander";
import { addAblateCommand } from "./commands/ablate.js";
import { addBenchCommand } from "./commands/bench.js";
import { addBenchDataCommand } from "./commands/bench-data.js";
import { addDemoCommand } from "./commands/demo.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addEmbedCommand } from "./commands/embed.js";
import { addEvaluateCommand } from "./commands/evaluate.js";
import { addExportCommand } from "./commands/export.js";
import { addFinetuneCommand } from "./commands/finetune.js";
import { addIndexCommand } from "./commands/index-folder.js";
import { addParityCommand } from "./commands/parity.js";
import { addPrepareCommand } from "./commands/prepare.js";
import { addPretrainCommand } from "./commands/pretrain.js";
import { addSearchCommand } from "./commands/search.js";
import { addSurveyCommand } from "./commands/survey.js";

// Whoever reads our output may stop reading, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const program = new Command("kdc-mae")
  .description("KDC-MAE: audio-visual self-supervised learning, from media files to reports")
  .version("0.1.0")
  .showHelpAfterError("(add --help for what may be given)")
  .exitOverride();

const commands = [
  addDemoCommand,
  addDoctorCommand,
  addSurveyCommand,
  addPrepareCommand,
  addPretrainCommand,
  addFinetuneCommand,
  addEvaluateCommand,
  addEmbedCommand,
  addAblateCommand,
  addExportCommand,
  addIndexCommand,
  addSearchCommand,
  addParityCommand,
  addBenchCommand,
  addBenchDataCommand,
];
for (const add of commands) add(program);
for (const command of program.commands) command.exitOverride().showHelpAfterError("(add --help for what may be given)");

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (isKdcError(error)) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.reason === "experiment" || error.reason === "usage" ? 2 : 1;
  } else if (error instanceof Error && error.name === "AbortError") {
    process.stderr.write("stopped; the same command goes on from here\n");
    process.exitCode = 130;
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}
