import { createWebGpuRuntime, type Execute, eager } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/node";
import { type DeviceName, onnxRuntimeDevice } from "../doctor/device-names.js";
import { testedAdapters } from "../doctor/tested-adapters.js";
import type { FromWorker } from "./bench.js";
import { loadNamedTensorflow } from "./named-tensorflow.js";
import type { Timed } from "./timed.js";
import { runWork, type Work } from "./work.js";

/** Runs one engine's work and tells the parent process, after every repetition, what was measured. */
const { engine, work, device } = JSON.parse(process.argv[2]) as {
  readonly engine: "compiled" | "tfjs-node" | "wasm";
  readonly work: Work;
  readonly device: DeviceName;
};
const tell = (what: FromWorker) => process.send?.(what);

// The parent ends this process when it is asked to stop, and keeps what was measured; without a parent nobody would.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
const leave = () => process.exit();
process.on("disconnect", leave);

const executor = async (): Promise<Execute> => {
  if (engine !== "compiled") return eager(engine === "wasm" ? "wasm" : "tensorflow");
  if (device !== "webgpu") return compiled({ device: onnxRuntimeDevice[device] });
  return (await createWebGpuRuntime({ precision: work.precision, tested: testedAdapters() })).execute;
};
try {
  // KDC_TFJS_NODE may name a tfjs-node that lies elsewhere.
  if (engine === "tfjs-node") loadNamedTensorflow();
  const whole = (timed: Timed) => ({
    ...timed,
    peakBytes: timed.peakBytes ?? process.resourceUsage().maxRSS * 1024,
  });
  tell({ made: whole(await runWork(work, await executor(), (timed) => tell({ soFar: whole(timed) }))) });
} catch (error) {
  tell({ error: error instanceof Error ? error.message : String(error) });
}
process.off("disconnect", leave);
process.disconnect?.();
