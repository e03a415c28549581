/// <reference types="@webgpu/types" />
import { isKdcError, KdcError } from "@kdc-mae/core";
import type { Shader } from "./binding.js";

/** A WebGPU device with what is kept for it: pipelines by text, staging memory, and the error it had, if any. */
export type OpenDevice = {
  readonly gpu: GPUDevice;
  readonly limits: GPUSupportedLimits;
  /** Most bytes of one tensor, and of one arena. */
  readonly largest: number;
  readonly createBuffer: (label: string, bytes: number, usage: number) => Promise<GPUBuffer>;
  readonly pipeline: (shader: Shader) => Promise<GPUComputePipeline>;
  readonly read: (buffer: GPUBuffer, offset: number, bytes: number) => Promise<ArrayBuffer>;
  /** Dispatches so far, and bytes that crossed to the device and back; counted by whoever causes them. */
  readonly traffic: { dispatches: number; bytes: number };
  /** Bytes of all buffers there are. */
  readonly allocated: () => { readonly buffers: number; readonly bytes: number };
  readonly release: (buffer: GPUBuffer) => void;
  /** @throws KdcError once the device is lost, or did something wrong unasked */
  readonly expectAlive: () => void;
  readonly dispose: () => void;
};

/** GPUBufferUsage and GPUMapMode by their numbers in the standard: Node has no such globals. */
export const usage = { mapRead: 1, copySource: 4, copyTarget: 8, storage: 128 } as const;
const mapModeRead = 1;

const outOfMemory = (label: string, bytes: number, cause?: unknown): KdcError =>
  new KdcError({
    where: `webgpu: ${label}`,
    what: `the GPU has no ${(bytes / 2 ** 20).toFixed(0)} MB left for it`,
    remedy:
      "Use a smaller batch (accumulate several), a smaller model, or precision mixed; close other programs that use the GPU",
    reason: "out-of-memory",
    cause,
  });

const broken = (label: string, cause: unknown): KdcError =>
  new KdcError({
    where: `webgpu: ${label}`,
    what: `the adapter's compiler refused the kernel (${String((cause as Error)?.message ?? cause)
      .split("\n")
      .slice(0, 3)
      .join(" ")})`,
    remedy: "Update the graphics driver, or run on --device cpu; please report it with kdc-mae doctor's output",
    reason: "shader",
    cause,
  });

/** Staging buffers come in powers of two, and are used again. */
const stagingSize = (bytes: number): number => 2 ** Math.ceil(Math.log2(Math.max(256, bytes)));

/** Wraps a device. */
export function createDevice(gpu: GPUDevice): OpenDevice {
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const layouts = new Map<string, GPUBindGroupLayout>();
  const buffers = new Map<GPUBuffer, number>();
  let failure: KdcError | undefined;
  let disposed = false;
  void gpu.lost.then(({ reason, message }) => {
    if (disposed) return;
    failure = new KdcError({
      where: "webgpu",
      what: `the device was lost (${reason}${message === "" ? "" : `: ${message}`})`,
      remedy:
        "Start again: training goes on from its last checkpoint; if it happens again, lower the batch size or update the graphics driver",
      reason: "device-lost",
    });
  });
  gpu.onuncapturederror = ({ error }) => {
    failure ??= new KdcError({
      where: "webgpu",
      what: `the device reported: ${error.message.split("\n")[0]}`,
      remedy: "Run on --device cpu, and please report it with kdc-mae doctor's output",
      reason: "device",
      cause: error,
    });
  };
  const expectAlive = (): void => {
    if (failure !== undefined) throw failure;
  };
  const makeBuffer = (label: string, bytes: number, use: number): GPUBuffer => {
    const buffer = gpu.createBuffer({ label, size: bytes, usage: use });
    buffers.set(buffer, bytes);
    return buffer;
  };
  const createBuffer = async (label: string, bytes: number, use: number): Promise<GPUBuffer> => {
    expectAlive();
    if (bytes > gpu.limits.maxBufferSize) {
      throw new KdcError({
        where: `webgpu: ${label}`,
        what: `it needs ${(bytes / 2 ** 20).toFixed(0)} MB in one piece; this adapter allows ${(gpu.limits.maxBufferSize / 2 ** 20).toFixed(0)} MB`,
        remedy: "Use a smaller batch, or accumulate several",
        reason: "too-large",
      });
    }
    gpu.pushErrorScope("out-of-memory");
    gpu.pushErrorScope("validation");
    let buffer: GPUBuffer | undefined;
    let thrown: unknown;
    try {
      buffer = makeBuffer(label, bytes, use);
    } catch (error) {
      thrown = error;
    }
    const errors = [await gpu.popErrorScope(), await gpu.popErrorScope()];
    const cause = thrown ?? errors.find((error) => error !== null);
    if (cause !== undefined || buffer === undefined) {
      if (buffer !== undefined) buffers.delete(buffer);
      expectAlive();
      throw outOfMemory(label, bytes, cause);
    }
    return buffer;
  };
  const layoutFor = ({ writable }: Shader): GPUBindGroupLayout => {
    const key = writable.map((isWritten) => (isWritten ? "w" : "r")).join("");
    const found = layouts.get(key);
    if (found !== undefined) return found;
    const made = gpu.createBindGroupLayout({
      entries: writable.map((isWritten, binding) => ({
        ...{
          binding,
          visibility: 4,
          buffer: { type: isWritten ? ("storage" as const) : ("read-only-storage" as const) },
        },
      })),
    });
    layouts.set(key, made);
    return made;
  };
  const makePipeline = async (shader: Shader): Promise<GPUComputePipeline> => {
    const { label, code } = shader;
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ label, code });
    const layout = gpu.createPipelineLayout({ bindGroupLayouts: [layoutFor(shader)] });
    const refused = gpu.popErrorScope();
    try {
      const pipeline = await gpu.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
      const error = await refused;
      if (error !== null) throw error;
      return pipeline;
    } catch (error) {
      expectAlive();
      throw isKdcError(error) ? error : broken(label, (await refused) ?? error);
    }
  };
  const traffic = { dispatches: 0, bytes: 0 };
  const staging = new Map<number, GPUBuffer[]>();
  return {
    gpu,
    limits: gpu.limits,
    traffic,
    largest: Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize),
    createBuffer,
    expectAlive,
    pipeline: (shader) => {
      const found = pipelines.get(shader.code);
      if (found !== undefined) return found;
      const made = makePipeline(shader);
      pipelines.set(shader.code, made);
      made.catch(() => pipelines.delete(shader.code));
      return made;
    },
    read: async (buffer, offset, bytes) => {
      expectAlive();
      const size = Math.ceil(bytes / 4) * 4;
      traffic.bytes += size;
      const free = staging.get(stagingSize(size)) ?? [];
      staging.set(stagingSize(size), free);
      // Nothing is awaited before the copy is queued, so that it comes before what is launched next.
      const target = free.pop() ?? makeBuffer("staging", stagingSize(size), usage.mapRead | usage.copyTarget);
      const encoder = gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, target, 0, size);
      gpu.queue.submit([encoder.finish()]);
      try {
        await target.mapAsync(mapModeRead, 0, size);
      } catch (error) {
        expectAlive();
        throw error;
      }
      const copy = target.getMappedRange(0, size).slice(0, bytes);
      target.unmap();
      free.push(target);
      expectAlive();
      return copy;
    },
    allocated: () => ({ buffers: buffers.size, bytes: [...buffers.values()].reduce((sum, bytes) => sum + bytes, 0) }),
    release: (buffer) => {
      if (!buffers.delete(buffer)) return;
      buffer.destroy();
    },
    dispose: () => {
      disposed = true;
      gpu.destroy();
    },
  };
}
