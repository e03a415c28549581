import { float32, KdcError } from "@kdc-mae/core";
import { type BackendName, type Execute, eager } from "@kdc-mae/engine";
import { compiled, type Device } from "@kdc-mae/engine/node";
import { add, type Tensor1D } from "@tensorflow/tfjs-core";
import { type Command, Option } from "commander";
import { loadNamedTensorflow } from "../bench/named-tensorflow.js";
import { atLeastOne } from "./options.js";

/** How the numbers are computed, as chosen on the command line. */
export type EngineChoice = {
  readonly engine: "compiled" | "eager";
  readonly device: Device;
  readonly backend: BackendName;
  readonly threads?: number;
};

/** Options that only one of the engines reads. */
const readBy = { device: "compiled", threads: "compiled", backend: "eager" } as const;

/**
 * Adds the options that choose the engine to a command. Before the command begins, the choice is checked: an option the
 * engine would not read is bad usage, and the device or backend must compute a small sum.
 */
export const withEngineOptions = (command: Command): Command =>
  command
    .addOption(
      new Option("--engine <engine>", "compiled (ONNX Runtime) or eager (a tfjs backend)")
        .choices(["compiled", "eager"])
        .default("compiled"),
    )
    .addOption(new Option("--device <device>", "for compiled").choices(["cpu", "webgpu", "cuda"]).default("cpu"))
    .addOption(
      new Option("--backend <backend>", "for eager").choices(["tensorflow", "wasm", "cpu"]).default("tensorflow"),
    )
    .option("--threads <n>", "threads per operation, for compiled (default: all cores)", atLeastOne)
    .hook("preAction", async () => {
      const choice = command.opts<EngineChoice>();
      expectOptionsRead(command, choice.engine);
      await expectUsable(choice);
    });

const expectOptionsRead = (command: Command, engine: EngineChoice["engine"]): void => {
  for (const [name, reader] of Object.entries(readBy)) {
    if (reader === engine || command.getOptionValueSource(name) !== "cli") continue;
    throw new KdcError({
      where: `--${name} ${command.getOptionValue(name)}`,
      what: `only the ${reader} engine reads it, and this run would be ${engine}`,
      remedy: `Leave it out, or give --engine ${reader}`,
      reason: "usage",
    });
  }
};

/** Whoever waits for clips to be decoded should not learn only then that nothing can compute. */
const expectUsable = async (choice: EngineChoice): Promise<void> => {
  if (choice.engine === "compiled" && choice.device === "cpu") return;
  const one = float32([1], Float32Array.of(1));
  const program = await executeFor(choice)((x: Tensor1D) => add(x, 1), one);
  await program.run(one).finally(() => program.dispose());
};

/** The executor of a choice; a missing device or backend is an error, never another one. */
export const executeFor = ({ engine, device, backend, threads }: EngineChoice): Execute => {
  if (engine === "compiled") return compiled({ device, threads });
  if (backend === "tensorflow") loadNamedTensorflow();
  return eager(backend);
};

/** The choice in words, for reports. */
export const engineName = ({ engine, device, backend }: EngineChoice): string =>
  engine === "compiled" ? `compiled (ONNX Runtime, ${device})` : `eager (tfjs ${backend})`;
