import { createRequire } from "node:module";
import { resolve } from "node:path";
import { KdcError } from "@kdc-mae/core";
import { env } from "@tensorflow/tfjs-core";

/** Names the folder of an installed @tensorflow/tfjs-node or tfjs-node-gpu that is not among this package's own. */
const VARIABLE = "KDC_TFJS_NODE";

/**
 * Loads the tfjs-node that {@link VARIABLE} names, if it names one; without it the engine looks where packages are.
 *
 * @throws KdcError when it is named and cannot be loaded
 */
export function loadNamedTensorflow(): void {
  const path = process.env[VARIABLE];
  if (path === undefined || path === "") return;
  // It brings a tfjs of its own, which would warn of every kernel that is there already.
  const production = env().getBool("PROD");
  env().set("PROD", true);
  try {
    createRequire(import.meta.url)(resolve(path));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new KdcError({
      where: `${VARIABLE}=${path}`,
      what: `this tfjs-node cannot be loaded: ${why}`,
      remedy: "Name the folder of an installed @tensorflow/tfjs-node that has its native library, or unset it",
      reason: "backend",
      cause,
    });
  } finally {
    env().set("PROD", production);
  }
}
