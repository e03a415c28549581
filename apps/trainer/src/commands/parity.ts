import { type Command, Option } from "commander";
import { executions } from "../parity/executions.js";
import { parity } from "../parity/parity.js";
import { parityTable } from "../parity/table.js";
import { atTerminal } from "../terminal/interrupt.js";
import { print } from "../terminal/print.js";
import { closeDevice, openDevice } from "./engine-options.js";

type ParityOptions = {
  readonly json?: boolean;
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
    .option("--json", "print the report as JSON")
    .addOption(new Option("--device <device>", "compare this device").choices(["cpu", "webgpu"]).default("cpu"))
    .addOption(
      new Option("--precision <precision>", "for --device webgpu").choices(["float32", "mixed"]).default("float32"),
    )
    .addHelpText(
      "after",
      "\nExample:\n  kdc-mae parity fixtures/seed0\n\nExits with 1 if anything differs by more than 1e-4 (gradients 1e-3).",
    )
    .action((dir: string, { json = false, device, precision }: ParityOptions) =>
      atTerminal(async ({ onProgress }) => {
        const runtime = device === "webgpu" ? await openDevice(precision) : undefined;
        const report = await parity(dir, await executions(runtime), (done, total, note) =>
          onProgress?.({ stage: "parity", unit: "cases", done, total, note }),
        );
        print(json ? `${JSON.stringify(report, null, 2)}\n` : parityTable(report));
        if (!report.pass) process.exitCode = 1;
        await closeDevice();
      }),
    );
}
