import { createWebGpuRuntime, type Execute, eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { type DeviceName, onnxRuntimeDevice } from "../doctor/device-names.js";
import { testedAdapters } from "../doctor/tested-adapters.js";
import { loadNamedTensorflow } from "./named-tensorflow.js";
import { runWork, type Work } from "./work.js";

/** Runs one engine's work and sends what was measured to the parent process. */
const { engine, work, device } = JSON.parse(process.argv[2]) as {
  readonly engine: "compiled" | "tfjs-node" | "wasm";
  readonly work: Work;
  readonly device: DeviceName;
};
const executor = async (): Promise<Execute> => {
  if (engine !== "compiled") return eager(engine === "wasm" ? "wasm" : "tensorflow");
  if (device !== "webgpu") return compiled({ device: onnxRuntimeDevice[device] });
  return (await createWebGpuRuntime({ precision: work.precision, tested: testedAdapters() })).execute;
};
try {
  // KDC_TFJS_NODE may name a tfjs-node that lies elsewhere.
  if (engine === "tfjs-node") loadNamedTensorflow();
  const timed = await runWork(work, await executor());
  process.send?.({ ...timed, peakBytes: timed.peakBytes ?? process.resourceUsage().maxRSS * 1024 });
} catch (error) {
  process.send?.({ error: error instanceof Error ? error.message : String(error) });
}
process.disconnect?.();
