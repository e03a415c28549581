import { runCommandLine } from "./command-line.js";

// Whoever reads our output may stop reading, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// So may whoever reads our remarks: the work goes on without them.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const code = await runCommandLine(process.argv.slice(2));
if (code !== undefined) process.exitCode = code;
