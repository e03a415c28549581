import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { env } from "node:process";
import { KdcError } from "@kdc-mae/core";

/** ONNX Runtime for Node, whichever package it came in. */
export type OnnxRuntime = typeof import("onnxruntime-node");

const require = createRequire(import.meta.url);

/** The oldest onnxruntime-node taken; an older one may be about because some other package brought it. */
const oldest = [1, 30];

const isRecent = (version: string | undefined): boolean => {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
};

const candidates = (): readonly string[] => ["onnxruntime-node", `@kdc-mae/onnxruntime-${platform()}-${arch()}`];

/**
 * Turns off what ONNX Runtime 1.29 and later collect and send to Microsoft from Linux unless told not to, where nobody has
 * said otherwise. Collecting also reads the command line with a regular expression that recurses: of some 20 kB (several hundred
 * files) the process dies of it. There is no other switch than this variable, which is read when the first session opens; in
 * a thread `env` is a copy that the library does not see, so whoever starts one calls this before; in threads that others
 * start with such a copy it does nothing.
 */
export function withoutTelemetry(): void {
  // Set to nothing it is, to the library, not set.
  env.ORT_DISABLE_TELEMETRY ||= "1";
}

let loaded: OnnxRuntime | undefined;

/**
 * ONNX Runtime: the project's own onnxruntime-node where it has one (that is the one with CUDA), else the package of
 * ours that holds the same library for this platform and, unlike onnxruntime-node, downloads nothing when installed.
 *
 * @throws KdcError with what each of them said when neither can be loaded
 */
export function onnxRuntime(): OnnxRuntime {
  if (loaded !== undefined) return loaded;
  withoutTelemetry();
  const failures: string[] = [];
  for (const name of candidates()) {
    try {
      const runtime: OnnxRuntime = require(name);
      const version = runtime.env.versions.node;
      if (isRecent(version)) {
        loaded = runtime;
        return runtime;
      }
      failures.push(`${name} is ${version}, older than ${oldest.join(".")}`);
    } catch (error) {
      failures.push(`${name}: ${(error instanceof Error ? error.message : String(error)).split("\n")[0]}`);
    }
  }
  throw new KdcError({
    where: "engine",
    what: `ONNX Runtime cannot be loaded on ${platform()} ${arch()} (${failures.join("; ")})`,
    remedy:
      "Install again without --omit=optional, or add onnxruntime-node to your project; where there is none for the platform, use eager from @kdc-mae/engine",
    reason: "runtime",
  });
}
