import { createRequire } from "node:module";
import { arch, platform } from "node:os";
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

let loaded: OnnxRuntime | undefined;

/**
 * ONNX Runtime: the project's own onnxruntime-node where it has one (that is the one with CUDA), else the package of
 * ours that holds the same library for this platform and, unlike onnxruntime-node, downloads nothing when installed.
 *
 * @throws KdcError with what each of them said when neither can be loaded
 */
export function onnxRuntime(): OnnxRuntime {
  if (loaded !== undefined) return loaded;
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
