import { arch, platform } from "node:os";
import { KdcError } from "@kdc-mae/core";
import { availableCpus } from "@kdc-mae/core/node";
import type { InferenceSession } from "onnxruntime-common";
import type { OnnxGraph } from "../compile/graph.js";
import { listOutput, onnxModelWithList } from "../compile/onnx-model.js";
import type { Session } from "../run/session.js";
import { boundSession, type RunBound } from "./bound-session.js";
import { onnxRuntime } from "./load.js";

/** Where ONNX Runtime computes. `cpu` and `webgpu` come with the npm package; `cuda` the user installs. */
export type Device = "cpu" | "webgpu" | "cuda";

/** Where and how ONNX Runtime computes. */
export type SessionOptions = {
  readonly device?: Device;
  /** Threads inside one operation; as many as the process may use at once unless given. */
  readonly threads?: number;
  /** How far ONNX Runtime rewrites the graph; `all` unless given. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
  /** Writes ONNX Runtime's profile to files starting with this path; the file is complete after `dispose`. */
  readonly profilePrefix?: string;
  /** Further ONNX Runtime session options, `extra` in its documentation. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

/** How to get a device on a system and processor, as Node names them. */
export function remedyFor(device: Device, system = `${platform()} ${arch()}`): string {
  if (device === "cpu")
    return "Reinstall @kdc-mae/engine: a package for this platform comes with it and holds the library";
  if (device === "webgpu") {
    return system === "linux arm64"
      ? "ONNX Runtime's files for Linux on arm64 do not have WebGPU; use --device webgpu, which is not ONNX Runtime's, or cpu"
      : "WebGPU needs a Vulkan, Metal or D3D12 driver. On Linux install your GPU's Vulkan driver, or point VK_ICD_FILENAMES at a software one; or use --device cpu";
  }
  return system === "linux x64"
    ? "Install CUDA 12 and cuDNN 9, then add onnxruntime-node 1.30 to your project with its build script allowed and ONNXRUNTIME_NODE_INSTALL=cuda12: it fetches libonnxruntime_providers_cuda.so from api.nuget.org, and ldd names what that file still lacks. Later versions move to CUDA 13. Nobody has tried any of this with kdc-mae; or use --device webgpu or cpu"
    : "onnxruntime-node has CUDA for Linux on x64 alone; use --device webgpu or cpu";
}

/** What ONNX Runtime said, without the place in its sources it said it from. */
const said = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "";
  const message = cause.message.trim().replace(/^\/\S+ .* was false\. /s, "");
  return ` (${message.split("\n")[0]})`;
};

const missingDevice = (device: Device, cause?: unknown): KdcError =>
  new KdcError({
    where: "createSession",
    what: `ONNX Runtime cannot use the device ${device} on this machine${said(cause)}`,
    remedy: remedyFor(device),
    reason: "device",
    cause,
  });

/** Devices ONNX Runtime was built with here; whether a driver answers is known only when a session is made. */
export function listDevices(): readonly Device[] {
  const names = onnxRuntime()
    .listSupportedBackends()
    .map((backend) => backend.name);
  return (["cpu", "webgpu", "cuda"] as const).filter((device) => names.includes(device));
}

/** Equal nodes that are still there are meant: values computed again instead of being kept in memory. */
const builderMakesNodesOnce = { optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" } };

const createOrtSession = async (model: Uint8Array, options: SessionOptions): Promise<InferenceSession> => {
  const device = options.device ?? "cpu";
  if (!listDevices().includes(device)) throw missingDevice(device);
  const runtime = onnxRuntime();
  // A device that fails says so in what is thrown; the native log would say it again before that, in red.
  if (device !== "cpu") runtime.env.logLevel = "fatal";
  try {
    return await runtime.InferenceSession.create(model, {
      executionProviders: [device],
      graphOptimizationLevel: options.optimization ?? "all",
      // Shapes stay on the cpu whatever the device; that is no news to warn of.
      ...(device === "cpu" ? {} : { logSeverityLevel: 3 as const }),
      // Planning one block for a whole run costs 60 % more memory at paper size, and no run is faster for it.
      enableMemPattern: false,
      // ONNX Runtime's own choice is the number of physical cores, which it takes for half of them on virtual machines.
      intraOpNumThreads: options.threads ?? availableCpus(),
      ...(options.profilePrefix === undefined
        ? {}
        : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
      extra: { ...builderMakesNodesOnce, ...options.extra },
    });
  } catch (error) {
    if (device !== "cpu") throw missingDevice(device, error);
    throw error;
  }
};

/**
 * Runs with results in arrays of ours. onnxruntime-node would then copy each of them once more into a new array to
 * hand it back (0.8 s and 760 MB a step for the gradients of the paper's model). It hands outputs back in order and
 * gives up at one that is not a tensor, with this message; so the model has such an output before all others.
 */
const runWithoutCopies: RunBound = async (session, inputs, results) => {
  try {
    await session.run(inputs, { [listOutput]: null, ...results });
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("Non tensor type"))) throw error;
  }
};

/**
 * Makes an ONNX Runtime session of a graph.
 *
 * @throws KdcError with the remedy when the device is missing; there is no fallback
 */
export const createSession = (graph: OnnxGraph, options: SessionOptions = {}): Promise<Session> =>
  openModel(onnxModelWithList(graph), graph, options);

/** The same of a model that is written already, list output first, and the doors of its graph. */
export async function openModel(
  model: Uint8Array,
  doors: Pick<OnnxGraph, "inputs" | "outputs">,
  options: SessionOptions = {},
): Promise<Session> {
  const session = await createOrtSession(model, options);
  return boundSession(doors, session, onnxRuntime().Tensor, runWithoutCopies, async () => {
    if (options.profilePrefix !== undefined) session.endProfiling();
    await session.release();
  });
}
