import { KdcError } from "@kdc-mae/core";
import type { Execute, WebGpuRuntime } from "@kdc-mae/engine";
import { type Command, Option } from "commander";
import { deviceNames } from "../doctor/device-names.js";
import type { EngineChoice } from "./chosen-engine.js";
import { atLeastOne } from "./options.js";

/** Options that only one of the engines reads. */
const readBy = { device: "compiled", threads: "compiled", backend: "eager" } as const;

/** What computes is loaded once a command is about to: half a thousand modules take a second. */
const engine = () => {
  loaded ??= import("./chosen-engine.js");
  return loaded;
};
let loaded: Promise<typeof import("./chosen-engine.js")> | undefined;

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
      if (choice.engine === "compiled" && choice.device === "cpu") return;
      await (await engine()).expectUsable(choice);
    })
    .hook("postAction", closeDevice);

/** Opens `--device webgpu`, so that {@link executeFor} has it. */
export const openDevice = async (precision: EngineChoice["precision"]): Promise<WebGpuRuntime> =>
  (await engine()).openDevice(precision);

/** Lets the device go, without which a program may not end. */
export const closeDevice = async (): Promise<void> => (await loaded)?.closeDevice();

/** What a command computes with, as chosen, which is said on stderr: every command asks for it once, as it begins. */
export const executeFor = async (choice: EngineChoice): Promise<Execute> => (await engine()).executeFor(choice);

/** The choice in words, for reports. */
export const engineName = async (choice: EngineChoice): Promise<string> => (await engine()).engineName(choice);

const expectOptionsRead = (command: Command, { engine, device }: EngineChoice): void => {
  if (command.getOptionValueSource("precision") === "cli" && (engine !== "compiled" || device !== "webgpu")) {
    throw new KdcError({
      where: `--precision ${command.getOptionValue("precision")}`,
      what: "only --device webgpu uses it",
      remedy: "Leave it out, or give --device webgpu",
      reason: "usage",
    });
  }
  if (command.getOptionValueSource("threads") === "cli" && engine === "compiled" && device === "webgpu") {
    throw new KdcError({
      where: `--threads ${command.getOptionValue("threads")}`,
      what: "ONNX Runtime uses it, and --device webgpu computes without ONNX Runtime",
      remedy: "Leave it out",
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
