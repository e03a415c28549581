import { type Command, Option } from "commander";
import { executions } from "../parity/executions.js";
import { parity } from "../parity/parity.js";
import { parityTable } from "../parity/table.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { closeDevice, openDevice } from "./engine-options.js";

type ParityOptions = {
  readonly json?: boolean;
  readonly cases?: readonly string[];
  readonly device: "cpu" | "webgpu";
  readonly precision: "float32" | "mixed";
};

/** Adds `parity`: this project's numbers against a folder of reference numbers. */
export function addParityCommand(program: Command): void {
  program
    .command("parity")
    .description(
      "compare losses, tokens, gradients, Adam steps, features and fine-tuning with a folder of reference numbers",
    )
    .argument("<dir>", "a folder laid out as fixtures/seed0; its index.json says the sizes")
    .option(
      "--cases <list>",
      "only these, with commas between: names in index.json, adam, features, finetune",
      (text: string) => text.split(","),
    )
    .option("--json", "print the report as JSON")
    .addOption(new Option("--device <device>", "compare this device").choices(["cpu", "webgpu"]).default("cpu"))
    .addOption(
      new Option("--precision <precision>", "for --device webgpu").choices(["float32", "mixed"]).default("float32"),
    )
    .addHelpText(
      "after",
      "\nExample:\n  kdc-mae parity fixtures/seed0\n\nExits with 1 if anything differs by more than 1e-4 (gradients 1e-3).\n",
    )
    .action((dir: string, { json = false, device, precision, cases }: ParityOptions) =>
      atTerminal(async ({ onProgress }) => {
        const runtime = device === "webgpu" ? await openDevice(precision) : undefined;
        const tell = (done: number, total: number, note: string) =>
          onProgress?.({ stage: "parity", unit: "cases", done, total, note });
        const report = await parity(dir, await executions(runtime), tell, cases);
        print(json ? `${JSON.stringify(report, null, 2)}\n` : parityTable(report));
        if (!report.pass) process.exitCode = 1;
        await closeDevice();
      }),
    );
}
