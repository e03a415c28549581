import { KdcError } from "@kdc-mae/core";
import { createWebGpuRuntime, type Execute } from "@kdc-mae/engine";
import { compiled } from "@kdc-mae/engine/web";
import { env } from "onnxruntime-web";
import script from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import binary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

export type EngineChoice = "auto" | "webgpu" | "wasm";

/** What computes, and what is to be known of it. */
export type Engine = {
  readonly kind: "webgpu" | "wasm";
  /** In words. */
  readonly name: string;
  /** Why it is not the first choice, where it is not. */
  readonly why?: string;
  readonly execute: Execute;
  readonly dispose: () => Promise<void>;
};

/** The browser's graphics, as far as it is asked for here. */
type Graphics = { readonly requestAdapter: () => Promise<object | null> };
const graphicsHere = (): Graphics | undefined => (globalThis.navigator as { readonly gpu?: Graphics } | undefined)?.gpu;

/** Adapters that computed right once in this page need not be tested again. */
const known = new Set<string>();
const tested = {
  has: async (key: string) => known.has(key),
  add: async (key: string) => void known.add(key),
};

async function openWebGpu(): Promise<Engine> {
  const graphics = graphicsHere();
  if (graphics === undefined || (await graphics.requestAdapter()) === null) {
    throw new KdcError({
      where: "WebGPU",
      what: "this browser has none, or no adapter for it",
      remedy: "Choose WebAssembly, or a browser and a machine that have WebGPU",
      reason: "device",
    });
  }
  const runtime = await createWebGpuRuntime({ gpu: graphics, tested });
  return { kind: "webgpu", name: runtime.name, execute: runtime.execute, dispose: runtime.dispose };
}

function openWasm(why?: string): Engine {
  env.wasm.wasmPaths = { mjs: script, wasm: binary };
  // Several threads share memory, which a page may do only where its host says so.
  env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const threads = env.wasm.numThreads;
  return {
    kind: "wasm",
    name: `onnxruntime-web, WebAssembly, ${threads} thread${threads === 1 ? "" : "s"}`,
    why,
    execute: compiled(),
    dispose: async () => undefined,
  };
}

/** Opens what computes; where it may choose, it says why it is not WebGPU. */
export async function openEngine(choice: EngineChoice): Promise<Engine> {
  if (choice === "wasm") return openWasm();
  try {
    return await openWebGpu();
  } catch (error) {
    if (choice === "webgpu") throw error;
    return openWasm(error instanceof KdcError ? error.what : String(error));
  }
}
