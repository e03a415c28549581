import { float32 } from "@kdc-mae/core";
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
import { loadNamedTensorflow } from "../bench/named-tensorflow.js";
import { type DeviceName, onnxRuntimeDevice } from "../doctor/device-names.js";
import { testedAdapters } from "../doctor/tested-adapters.js";
import { remark } from "../terminal/print.js";

/** How the numbers are computed, as chosen on the command line. */
export type EngineChoice = {
  readonly engine: "compiled" | "eager";
  readonly device: DeviceName;
  readonly precision: "float32" | "mixed";
  readonly backend: BackendName;
  readonly threads?: number;
};

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

/** Whoever waits for clips to be decoded should not learn only then that nothing can compute. */
export const expectUsable = async (choice: EngineChoice): Promise<void> => {
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
