import { isKdcError } from "@kdc-mae/core";
import { createWebGpuRuntime, surveyBackends } from "@kdc-mae/engine";
import { surveyDevices } from "@kdc-mae/engine/node";
import { loadNamedTensorflow } from "../bench/named-tensorflow.js";
import type { Computing } from "./look-apart.js";
import { testedAdapters } from "./tested-adapters.js";

/** What KDC_TFJS_NODE names, where it names what cannot be loaded. */
function namedTensorflow(): Computing["named"] {
  try {
    loadNamedTensorflow();
    return undefined;
  } catch (error) {
    if (!isKdcError(error)) throw error;
    return { what: error.what, remedy: error.remedy };
  }
}

/** Whether our own WebGPU runtime computes here: an adapter is opened, and tested if it was not before. */
async function lookAtWebGpu(): Promise<Computing["webgpu"]> {
  try {
    const runtime = await createWebGpuRuntime({ tested: testedAdapters() });
    return { usable: true, reason: `${runtime.name} computes every family of kernels right`, remedy: "" };
  } catch (error) {
    if (!isKdcError(error)) throw error;
    return { usable: false, reason: error.what, remedy: error.remedy };
  }
}

/** Looks, and sends what was found to the parent process. */
const devices = await surveyDevices();
const named = namedTensorflow();
const [webgpu, backends] = [await lookAtWebGpu(), await surveyBackends()];
const computing: Computing = { devices, webgpu, backends, ...(named === undefined ? {} : { named }) };
process.send?.(computing, () => process.exit(0));
