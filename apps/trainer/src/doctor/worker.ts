import { isKdcError } from "@kdc-mae/core";
import { surveyBackends } from "@kdc-mae/engine";
import { surveyDevices } from "@kdc-mae/engine/node";
import { loadNamedTensorflow } from "../bench/named-tensorflow.js";
import { AGAIN, type Computing } from "./look-apart.js";
import { lookAtWebGpu, openHere } from "./look-at-webgpu.js";

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

/** Looks, and sends what was found to the parent process. */
const devices = await surveyDevices();
const named = namedTensorflow();
const [webgpu, backends] = [await lookAtWebGpu(openHere(process.argv.includes(AGAIN))), await surveyBackends()];
const computing: Computing = { devices, webgpu, backends, ...(named === undefined ? {} : { named }) };
process.send?.(computing, () => process.exit(0));
