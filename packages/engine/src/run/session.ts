import { availableParallelism } from "node:os";
import { type HostTensor, KdcError, sizeOf } from "@kdc-mae/core";
import * as ort from "onnxruntime-node";
import { type GraphPort, type OnnxGraph, shapeFor } from "../compile/graph.js";
import { listOutput, onnxModelWithList } from "../compile/onnx-model.js";

/** Where ONNX Runtime computes. `cpu` and `webgpu` come with the npm package; `cuda` the user installs. */
export type Device = "cpu" | "webgpu" | "cuda";

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

/** An ONNX Runtime session with its tensors bound to host memory. Ports are given by path. */
export type Session = {
  readonly run: (inputs: ReadonlyMap<string, HostTensor>, outputs: ReadonlyMap<string, HostTensor>) => Promise<void>;
  readonly dispose: () => Promise<void>;
};

/** How to get a device. */
export const remedies: Readonly<Record<Device, string>> = {
  cpu: "Reinstall onnxruntime-node: its package holds the CPU library for this platform",
  webgpu:
    "WebGPU needs a Vulkan, Metal or D3D12 driver. On Linux install your card's Vulkan driver, or point VK_ICD_FILENAMES at a software one; or use --device cpu",
  cuda: "Install CUDA 12 and cuDNN 9, then reinstall onnxruntime-node with its build script allowed and ONNXRUNTIME_NODE_INSTALL=cuda12; or use --device webgpu or cpu",
};

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
    remedy: remedies[device],
    reason: "device",
    cause,
  });

/** Devices ONNX Runtime was built with here; whether a driver answers is known only when a session is made. */
export function listDevices(): readonly Device[] {
  const names = ort.listSupportedBackends().map((backend) => backend.name);
  return (["cpu", "webgpu", "cuda"] as const).filter((device) => names.includes(device));
}

type Slot = { data: HostTensor["data"]; tensor: ort.Tensor };

/** ort.Tensor objects are made once per array and port, not once per run. */
const createBinder = (port: GraphPort) => {
  let slot: Slot | undefined;
  return (value: HostTensor): ort.Tensor => {
    if (slot?.data === value.data && slot.tensor.dims[0] === value.shape[0]) return slot.tensor;
    slot = { data: value.data, tensor: new ort.Tensor(port.dtype, value.data as Float32Array, value.shape) };
    return slot.tensor;
  };
};

const check = (role: "input" | "output", port: GraphPort, samples: number, value?: HostTensor): HostTensor => {
  const name = port.path || "(root)";
  const shape = shapeFor(port, samples);
  const refuse = (what: string): never => {
    throw new KdcError({
      where: "program.run",
      what: `the ${role} ${name} ${what}`,
      remedy: `Pass ${name} as ${port.dtype} with shape [${shape.join(", ")}], or compile again for another shape`,
      reason: "shape",
    });
  };
  if (value === undefined) return refuse("is missing");
  if (value.dtype !== port.dtype) return refuse(`is ${value.dtype}, not ${port.dtype}`);
  const fits = value.shape.length === shape.length && value.shape.every((size, axis) => size === shape[axis]);
  if (!fits) return refuse(`has shape [${value.shape.join(", ")}], not [${shape.join(", ")}]`);
  if (value.data.length !== sizeOf(shape)) return refuse(`holds ${value.data.length} numbers, not ${sizeOf(shape)}`);
  return value;
};

/** How many samples inputs hold, by the first input that has a batch axis; 1 where none has. */
export function samplesIn(graph: OnnxGraph, inputs: ReadonlyMap<string, HostTensor>): number {
  for (const { path, batch = [] } of graph.inputs) {
    const size = inputs.get(path)?.shape[batch[0]?.axis];
    if (size !== undefined) return size / batch[0].times;
  }
  return 1;
}

/** Equal nodes that are still there are meant: values computed again instead of being kept in memory. */
const builderMakesNodesOnce = { optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" } };

const createOrtSession = async (model: Uint8Array, options: SessionOptions): Promise<ort.InferenceSession> => {
  const device = options.device ?? "cpu";
  if (!listDevices().includes(device)) throw missingDevice(device);
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [device],
      graphOptimizationLevel: options.optimization ?? "all",
      // Shapes stay on the cpu whatever the device; that is no news to warn of.
      ...(device === "cpu" ? {} : { logSeverityLevel: 3 as const }),
      // Planning one block for a whole run costs 60 % more memory at paper size, and no run is faster for it.
      enableMemPattern: false,
      // ONNX Runtime's own choice is the number of physical cores, which it takes for half of them on virtual machines.
      intraOpNumThreads: options.threads ?? availableParallelism(),
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
const runWithoutCopies = async (
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
  fetches: Record<string, ort.Tensor | null>,
): Promise<void> => {
  try {
    await session.run(feeds, fetches);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("Non tensor type"))) throw error;
  }
};

/**
 * Makes an ONNX Runtime session of a graph.
 *
 * @throws KdcError with the remedy when the device is missing; there is no fallback
 */
export async function createSession(graph: OnnxGraph, options: SessionOptions = {}): Promise<Session> {
  const session = await createOrtSession(onnxModelWithList(graph), options);
  const inputs = graph.inputs.map((port) => ({ port, bind: createBinder(port) }));
  const outputs = graph.outputs.map((port) => ({ port, bind: createBinder(port) }));
  return {
    run: async (given, wanted) => {
      const samples = samplesIn(graph, given);
      const feeds: Record<string, ort.Tensor> = {};
      for (const { port, bind } of inputs) feeds[port.name] = bind(check("input", port, samples, given.get(port.path)));
      const fetches: Record<string, ort.Tensor | null> = { [listOutput]: null };
      for (const { port, bind } of outputs) {
        fetches[port.name] = bind(check("output", port, samples, wanted.get(port.path)));
      }
      await runWithoutCopies(session, feeds, fetches);
    },
    dispose: async () => {
      if (options.profilePrefix !== undefined) session.endProfiling();
      await session.release();
    },
  };
}
