import { float32, KdcError } from "@kdc-mae/core";
import {
  type BackendName,
  computesOn,
  createWebGpuRuntime,
  type Execute,
  eager,
  type WebGpuRuntime,
} from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { add, type Tensor1D } from "@tensorflow/tfjs-core";
import { type Command, Option } from "commander";
import { loadNamedTensorflow } from "../bench/named-tensorflow.js";
import { type DeviceName, deviceNames, onnxRuntimeDevice } from "../doctor/device-names.js";
import { testedAdapters } from "../doctor/tested-adapters.js";
import { remark } from "../terminal/print.js";
import { atLeastOne } from "./options.js";

/** How the numbers are computed, as chosen on the command line. */
export type EngineChoice = {
  readonly engine: "compiled" | "eager";
  readonly device: DeviceName;
  readonly precision: "float32" | "mixed";
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
      new Option("--engine <engine>", "compiled (ONNX Runtime, or WebGPU) or eager (a tfjs backend)")
        .choices(["compiled", "eager"])
        .default("compiled"),
    )
    .addOption(
      new Option(
        "--device <device>",
        "for compiled: webgpu keeps its state on the GPU; cpu, cuda and onnxruntime-webgpu are ONNX Runtime's",
      )
        .choices(deviceNames)
        .default("cpu"),
    )
    .addOption(
      new Option("--precision <precision>", "for --device webgpu: mixed multiplies in half precision")
        .choices(["float32", "mixed"])
        .default("float32"),
    )
    .addOption(
      new Option("--backend <backend>", "for eager: which tfjs backend")
        .choices(["tensorflow", "wasm", "cpu"])
        .default("tensorflow"),
    )
    .option("--threads <n>", "threads per operation, for compiled (default: all cores)", atLeastOne)
    .hook("preAction", async () => {
      const choice = command.opts<EngineChoice>();
      expectOptionsRead(command, choice);
      await expectUsable(choice);
    })
    .hook("postAction", closeDevice);

/** The runtime of the command that runs; opening takes time, and tests the adapter the first time. */
let opened: WebGpuRuntime | undefined;

/** Opens `--device webgpu`, so that {@link executeFor} has it. */
export const openDevice = async (precision: EngineChoice["precision"]): Promise<WebGpuRuntime> => {
  opened ??= await createWebGpuRuntime({ precision, tested: testedAdapters() });
  return opened;
};

/** Lets the device go, without which a program may not end. */
export const closeDevice = async (): Promise<void> => {
  await opened?.dispose();
  opened = undefined;
};

const expectOptionsRead = (command: Command, { engine, device }: EngineChoice): void => {
  if (command.getOptionValueSource("precision") === "cli" && (engine !== "compiled" || device !== "webgpu")) {
    throw new KdcError({
      where: `--precision ${command.getOptionValue("precision")}`,
      what: "only --device webgpu uses it",
      remedy: "Leave it out, or give --device webgpu",
      reason: "usage",
    });
  }
  for (const [name, reader] of Object.entries(readBy)) {
    if (reader === engine || command.getOptionValueSource(name) !== "cli") continue;
    throw new KdcError({
      where: `--${name} ${command.getOptionValue(name)}`,
      what: `only the ${reader} engine uses it, and this run would be ${engine}`,
      remedy: `Leave it out, or give --engine ${reader}`,
      reason: "usage",
    });
  }
};

/** Whoever waits for clips to be decoded should not learn only then that nothing can compute. */
const expectUsable = async (choice: EngineChoice): Promise<void> => {
  if (choice.engine === "compiled" && choice.device === "cpu") return;
  if (choice.engine === "compiled" && choice.device === "webgpu") await openDevice(choice.precision);
  const one = float32([1], Float32Array.of(1));
  const program = await chosen(choice)((x: Tensor1D) => add(x, 1), one);
  await program.run(one).finally(() => program.dispose());
};

/** The executor of a choice; a missing device or backend is an error, never another one. */
const chosen = ({ engine, device, backend, threads }: EngineChoice): Execute => {
  if (engine === "compiled" && device !== "webgpu") return compiled({ device: onnxRuntimeDevice[device], threads });
  if (engine === "compiled") {
    if (opened !== undefined) return opened.execute;
    throw new Error("the device is opened before a command begins");
  }
  if (backend === "tensorflow") loadNamedTensorflow();
  return eager(backend);
};

/** What a command computes with, as chosen, which is said on stderr: every command asks for it once, as it begins. */
export const executeFor = (choice: EngineChoice): Execute => {
  const execute = chosen(choice);
  remark(`computes on ${computesOn(execute)}\n`);
  return execute;
};

/** The choice in words, for reports. */
export const engineName = (choice: EngineChoice): string => `${choice.engine} (${computesOn(chosen(choice))})`;
