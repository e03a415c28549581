import { existsSync } from "node:fs";
import { isKdcError } from "@kdc-mae/core";
import { createWebGpuRuntime, type WebGpuOptions, type WebGpuRuntime } from "./webgpu-runtime.js";

/** The software adapter in Debian's chromium package, used where nothing else is chosen. */
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (process.env.VK_ICD_FILENAMES === undefined && process.env.VK_DRIVER_FILES === undefined && existsSync(software)) {
  process.env.VK_ICD_FILENAMES = software;
}
process.env.XDG_RUNTIME_DIR ??= "/tmp";

const open = async (options: WebGpuOptions): Promise<WebGpuRuntime | string> => {
  try {
    return await createWebGpuRuntime(options);
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
