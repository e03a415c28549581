import type { Command } from "commander";
import { serveRuns } from "../pipeline/watch/serve-runs.js";
import { writeWatchPage } from "../pipeline/watch/watch-page.js";
import { untilInterrupted } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { readWith, wholeNumberTo } from "./options.js";

type WatchOptions = { readonly port?: number; readonly out?: string };

/** Adds `kdc-mae watch`. */
export function addWatchCommand(program: Command): void {
  const command = program
    .command("watch")
    .description("show runs while they go on, on one page for this machine's browser, or as one file")
    .argument("<run...>", "folders of runs")
    .option("--port <number>", "port of the page (default: any free one)", wholeNumberTo(65_535))
    .option("--out <file>", "write the page as it is now to one self-contained file, and exit")
    .addHelpText(
      "after",
      "\nExamples:\n  kdc-mae watch runs/vggsound\n  kdc-mae watch runs/a runs/b --out both.html\n",
    );
  readWith<WatchOptions>(command, [
    {
      ...{ options: ["port"], when: ({ out }) => out === undefined },
      ...{ what: "a page written to a file is not served", remedy: "Leave out --port or --out" },
    },
  ]).action(async (folders: string[], { port, out }: WatchOptions) => {
    if (out !== undefined) {
      await writeWatchPage(folders, out);
      return print(`page: ${out}\n`);
    }
    await untilInterrupted(async (signal) => {
      const served = await serveRuns(folders, { port });
      print(`watching at ${served.address} (Ctrl-C ends it; the runs go on)\n`);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      await served.close();
    });
  });
}
