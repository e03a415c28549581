import { eager } from "@kdc-mae/engine";
import { compiled, type Device } from "@kdc-mae/engine/node";
import { loadNamedTensorflow } from "./named-tensorflow.js";
import { runWork, type Work } from "./work.js";

/** Runs one engine's work and sends what was measured to the parent process. */
const { engine, work, device } = JSON.parse(process.argv[2]) as {
  readonly engine: "compiled" | "tfjs-node" | "wasm";
  readonly work: Work;
  readonly device: Device;
};
try {
  // KDC_TFJS_NODE may name a tfjs-node that lies elsewhere.
  if (engine === "tfjs-node") loadNamedTensorflow();
  const execute = engine === "compiled" ? compiled({ device }) : eager(engine === "wasm" ? "wasm" : "tensorflow");
  const timed = await runWork(work, execute);
  process.send?.({ ...timed, peakBytes: timed.peakBytes ?? process.resourceUsage().maxRSS * 1024 });
} catch (error) {
  process.send?.({ error: error instanceof Error ? error.message : String(error) });
}
process.disconnect?.();
