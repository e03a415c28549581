import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type ExploreOptions, explore } from "../pipeline/explore/open-explorer.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { print, remark } from "../terminal/print.js";
import { wholeNumberTo } from "./options.js";

/** Adds `kdc-mae explore`. */
export function addExploreCommand(program: Command): void {
  program
    .command("explore")
    .description(
      "open a page that shows the method on your own clip, searches and trains; this machine alone can reach it",
    )
    .argument("[run]", "a run's folder, a model.safetensors, or hf://user/name (default: runs/demo, where it is there)")
    .option("--index <folder>", "what kdc-mae index made, for searching")
    .option("--media <folder>", "where the indexed films are now, if they were moved")
    .option("--port <n>", "port of the page (default: any free one)", wholeNumberTo(65_535))
    .addHelpText("after", "\nExamples:\n  kdc-mae explore runs/demo\n  kdc-mae explore runs/demo --index clips.index\n")
    .action(run);
}

async function run(given: string | undefined, options: Omit<ExploreOptions, "run">): Promise<void> {
  const usual = existsSync("runs/demo/model.safetensors") ? "runs/demo" : undefined;
  const served = await explore({ ...options, run: given ?? usual });
  print(`${served.address}\n`);
  remark("open it in a browser; Ctrl-C ends it\n");
  await untilInterrupted(
    (signal) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
  );
  await served.close();
}
