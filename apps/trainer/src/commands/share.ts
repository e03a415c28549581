import { expectWritableFile, writeWhole } from "@kdc-mae/core/node";
import type { Command } from "commander";
import { runCard } from "../pipeline/share/card.js";
import { pull, push } from "../pipeline/share/hub.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";

const LICENSE = "licence of the model, as hubs name it (mit, cc-by-4.0 …)";

/** Adds `kdc-mae card`, `push` and `pull`. */
export function addShareCommands(program: Command): void {
  program
    .command("card")
    .description("write a model card of a run: data, experiment, figures, machine, time, limits, licence")
    .argument("<run>", "the run's folder")
    .option("--license <id>", LICENSE)
    .option("--address <hf://user/name>", "where the model will be found")
    .option("--out <file>", "write it there (default: stdout)")
    .addHelpText("after", "\nExample:\n  kdc-mae card runs/vggsound --license mit --out README.md\n")
    .action(async (run: string, { out, ...options }: { out?: string; license?: string; address?: string }) => {
      if (out !== undefined) await expectWritableFile(out);
      const card = await runCard(run, options);
      if (out === undefined) return print(card);
      await writeWhole(out, card);
      print(`card: ${out}\n`);
    });
  program
    .command("push")
    .description("put a run on a hub: weights, card, experiment, figures, ONNX files (HF_TOKEN)")
    .argument("<run>", "the run's folder")
    .argument("<address>", "hf://user/name; the repository is created if there is none")
    .option("--license <id>", LICENSE)
    .option("--private", "make a new repository visible to its owner alone")
    .addHelpText(
      "after",
      "\nExample:\n  HF_TOKEN=… kdc-mae push runs/vggsound hf://me/kdc-mae-vggsound --license mit\n",
    )
    .action((run: string, address: string, options: { license?: string; private?: true }) =>
      atTerminal(async (around) => {
        const { license, private: isPrivate } = options;
        const files = await push(run, address, { ...around, license, isPrivate });
        print(`${files.map((file) => `${address}/${file}`).join("\n")}\n`);
      }),
    );
  program
    .command("pull")
    .description("fetch a model's files from a hub")
    .argument("<address>", "hf://user/name, hf://user/name@revision, or one file of it")
    .requiredOption("--out <folder>", "where they go")
    .addHelpText("after", "\nExample:\n  kdc-mae pull hf://me/kdc-mae-vggsound --out runs/theirs\n")
    .action((address: string, { out }: { out: string }) =>
      atTerminal(async (around) => {
        const files = await pull(address, out, around);
        print(`${files.map((file) => `${out}/${file}`).join("\n")}\n`);
      }),
    );
}
