/// <reference types="@webgpu/types" />
import { KdcError } from "@kdc-mae/core";
import { createDevice, type OpenDevice } from "./device.js";
import { type MatrixUnitsFound, matrixUnitsOf } from "./matrix-units.js";

/** Where a WebGPU implementation begins: `navigator.gpu`, or what the npm package `webgpu` makes. */
export type GpuEntry = {
  /** As WebGPU's own: a `GPUAdapter`, or null where there is none. */
  readonly requestAdapter: (options?: object) => Promise<unknown>;
};

/** How to get a driver, by system. */
const drivers =
  "a Vulkan driver on Linux (Debian and Ubuntu: mesa-vulkan-drivers for AMD and Intel, nvidia-driver with libvulkan1 for NVIDIA; " +
  "without a GPU, Debian's chromium has a software one: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json), the graphics driver " +
  "on Windows (D3D12), nothing on macOS (Metal)";

const missing = (what: string, remedy: string, cause?: unknown): KdcError =>
  new KdcError({ where: "createWebGpuRuntime", what, remedy, reason: "device", cause });

type NodeModule = { readonly create: (flags: string[]) => GpuEntry };

/** Dawn hides half precision and matrix units on some drivers behind these. */
const flags = ["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia"];

/** Kept for the life of the process: Dawn ends with its last instance. */
let nodeEntry: GpuEntry | undefined;

/** The WebGPU of this place: the browser's or, in Node, that of the npm package `webgpu`. */
export async function findGpu(): Promise<GpuEntry> {
  const here = (globalThis as { navigator?: { gpu?: GpuEntry } }).navigator?.gpu;
  if (here !== undefined) return here;
  if (nodeEntry !== undefined) return nodeEntry;
  const isNode = "process" in globalThis;
  if (!isNode) {
    throw missing(
      "this browser has no WebGPU",
      "Use a current Chrome, Edge, Firefox or Safari, over https or from localhost",
    );
  }
  const name = "webgpu";
  try {
    const { create } = (await import(/* @vite-ignore */ name)) as NodeModule;
    nodeEntry = create(flags);
    return nodeEntry;
  } catch (error) {
    const cannotFind = String((error as { code?: unknown })?.code).includes("MODULE_NOT_FOUND");
    const what = cannotFind
      ? "the npm package webgpu is not installed"
      : `the npm package webgpu does not load (${(error as Error).message.split("\n")[0]})`;
    throw missing(
      what,
      `npm install webgpu@0.6.2 beside @kdc-mae/engine, and have ${drivers}; or use --device cpu`,
      error,
    );
  }
}

/** Features used where they are. */
const wanted = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix", "timestamp-query"] as const;

const limitsWanted = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** What an adapter says of itself. */
export type AdapterInfo = {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly features: readonly string[];
};

export type OpenedAdapter = {
  readonly device: OpenDevice;
  readonly info: AdapterInfo;
  readonly found: MatrixUnitsFound;
};

/** Card and driver, as far as an adapter says: browsers may say neither. */
export function adapterInWords({ vendor, architecture, device, description }: AdapterInfo): string {
  const card = device.replace(/-+$/, "") || [vendor, architecture].filter((word) => word !== "").join(" ");
  if (card === "" || description === "") return card || description || "an adapter that does not say its name";
  return `${card} (${description})`;
}

/**
 * Opens an adapter with everything it allows, for the limits every adapter must have are too low for training.
 *
 * @throws KdcError (reason `device`) that names what is missing on this system
 */
export async function openAdapter(gpu?: GpuEntry): Promise<OpenedAdapter> {
  const entry = gpu ?? (await findGpu());
  let adapter: GPUAdapter | null = null;
  try {
    adapter = (await entry.requestAdapter({ powerPreference: "high-performance" })) as GPUAdapter | null;
  } catch (error) {
    throw missing(
      `WebGPU gives no adapter (${(error as Error).message})`,
      `Install ${drivers}; or use --device cpu`,
      error,
    );
  }
  if (adapter === null) throw missing("WebGPU finds no adapter", `Install ${drivers}; or use --device cpu`);
  const { limits, info } = adapter;
  const features = wanted.filter((feature) => adapter.features.has(feature as GPUFeatureName));
  const device = await adapter.requestDevice({
    requiredFeatures: features as unknown as GPUFeatureName[],
    requiredLimits: Object.fromEntries(limitsWanted.map((name) => [name, limits[name]])),
  });
  const { vendor, architecture, device: model, description } = info;
  return {
    device: createDevice(device),
    info: { vendor, architecture, device: model, description, features: [...adapter.features] },
    found: matrixUnitsOf(adapter, device),
  };
}
