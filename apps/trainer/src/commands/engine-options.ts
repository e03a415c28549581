import { type BackendName, compiled, type Device, type Execute, eager } from "@kdc-mae/engine";
import { type Command, Option } from "commander";
import { loadNamedTensorflow } from "./named-tensorflow.js";

/** How the numbers are computed, as chosen on the command line. */
export type EngineChoice = {
  readonly engine: "compiled" | "eager";
  readonly device: Device;
  readonly backend: BackendName;
  readonly threads?: number;
};

/** Adds the options that choose the engine to a command. */
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
    .option("--threads <n>", "threads per operation (default: all cores)", Number);

/** The executor of a choice; a missing device or backend is an error when it is first used, never another one. */
export const executeFor = ({ engine, device, backend, threads }: EngineChoice): Execute => {
  if (engine === "compiled") return compiled({ device, threads });
  if (backend === "tensorflow") loadNamedTensorflow();
  return eager(backend);
};

/** The choice in words, for reports. */
export const engineName = ({ engine, device, backend }: EngineChoice): string =>
  engine === "compiled" ? `compiled (ONNX Runtime, ${device})` : `eager (tfjs ${backend})`;
