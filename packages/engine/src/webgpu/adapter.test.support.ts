import { isKdcError } from "@kdc-mae/core";
import { createWebGpuRuntime, type WebGpuOptions, type WebGpuRuntime } from "./webgpu-runtime.js";

const open = async (options: WebGpuOptions): Promise<WebGpuRuntime | string> => {
  try {
    // One test makes the self-test; the others do without.
    return await createWebGpuRuntime({ tested: { has: async () => true, add: async () => undefined }, ...options });
  } catch (error) {
    if (isKdcError(error) && error.reason === "device") return error.what;
    throw error;
  }
};

let said = false;

/** A runtime on whatever adapter there is; undefined, with the reason printed once, where there is none. */
export async function runtimeForTests(options: WebGpuOptions = {}): Promise<WebGpuRuntime | undefined> {
  const found = await open(options);
  if (typeof found !== "string") return found;
  if (!said) console.info(`skipped on WebGPU: ${found}`);
  said = true;
  return undefined;
}
