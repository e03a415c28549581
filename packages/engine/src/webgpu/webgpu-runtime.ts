import { type HostTensor, isKdcError, KdcError, mapTree, treeLeaves } from "@kdc-mae/core";
import type { GraphPort, OnnxGraph } from "../compile/graph.js";
import { type Trace, trace } from "../compile/trace.js";
import { asTree, type Hosted } from "../run/program.js";
import { type DeviceProgram, type OnDevice, type Placed, type Residence, type Runtime, runOf } from "../run/runtime.js";
import { type AdapterInfo, adapterInWords, type GpuEntry, openAdapter } from "./adapter.js";
import { allocateShares, deviceTensor } from "./device-tensors.js";
import { prepareLaunch } from "./launch.js";
import { sourceOf } from "./lower.js";
import { unitsName } from "./matrix-units.js";
import { type Plan, planGraph } from "./plan.js";
import { webGpuRules } from "./rules.js";
import { checkFamilies, expectRight } from "./self-test.js";
import type { TestedAdapters } from "./tested.js";
import { whyNotUnits } from "./units-verdict.js";

/** Which adapter is used, at which precision, and what is known of it. */
export type WebGpuOptions = {
  /** `navigator.gpu`, or what `create` of the npm package webgpu gave; found unless given. */
  readonly gpu?: GpuEntry;
  /**
   * `mixed` rounds the operands of matrix products to half precision; sums and everything else stay float32. Large
   * products, and attention with heads of 32 or 64, are then made by the adapter's matrix units, if it has any that
   * compute right. `float32` unless given.
   */
  readonly precision?: "float32" | "mixed";
  /**
   * Remembers which adapters computed every family of kernels right, and whose matrix units did not, by a key that names
   * adapter, driver, precision, units and kernels.
   * Without it every runtime that is made is tested first.
   */
  readonly tested?: TestedAdapters;
};

/** A WebGPU runtime, with what its adapter says of itself and what its buffers take. */
export type WebGpuRuntime = Runtime & {
  readonly adapter: AdapterInfo;
  /** Buffers held now, and their bytes. */
  readonly allocated: () => { readonly buffers: number; readonly bytes: number };
  /** Dispatches so far, and bytes that crossed to the device and back. */
  readonly traffic: () => { readonly dispatches: number; readonly bytes: number };
};

/** Goes up with every change to what the kernels compute: adapters are then tested again. */
const kernelsVersion = 6;

/** Traces once more, keeping the line of each operator, to say in an error which line called it. */
const withLine = (error: unknown, traced: () => { readonly graph: OnnxGraph }): unknown => {
  const source = sourceOf(error);
  if (!isKdcError(error) || source === undefined) return error;
  const site = traced().graph.nodes[source]?.site;
  if (site === undefined) return error;
  const { what, remedy, reason, cause } = error;
  return new KdcError({ where: `${site} (${error.where})`, what, remedy, reason, cause });
};

/** A plan of a function, with the trees it takes and gives. */
export type PlannedFunction<O> = Pick<Trace<unknown, O>, "outputs" | "expectUnchanged"> & { readonly plan: Plan };

/** Traces and plans a function, without a device. */
export function planFunction<I, O>(
  fn: (inputs: I) => O,
  example: Placed<I>,
  options: Omit<Parameters<typeof planGraph>[1], "keep"> & Residence,
): PlannedFunction<O> {
  const { keep = () => false, limits, half, units } = options;
  // Scores of at most a gigabyte at a time.
  const rules = webGpuRules(Math.min(limits.largest / 4, 2 ** 28));
  const traced = (sites: boolean) => trace(fn, example as Hosted<I>, rules, { sites });
  const { graph, outputs, expectUnchanged } = traced(false);
  try {
    return { plan: planGraph(graph, { limits, half, units, keep }), outputs, expectUnchanged };
  } catch (error) {
    throw withLine(error, () => traced(true));
  }
}

/**
 * Runs traced functions on a graphics card, in Node and in browsers, with their tensors on the card.
 *
 * @throws KdcError that names what is missing (reason `device`), or which kernels the adapter computes wrongly
 * (`self-test`)
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { createWebGpuRuntime } from "@kdc-mae/engine";
 * import { exp, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const runtime = await createWebGpuRuntime();
 * const program = await runtime.execute((x: Tensor1D) => exp(x), float32([3]));
 * const result = await program.run(float32([3], Float32Array.of(0, 1, 2))); // [3]
 * await program.dispose();
 * await runtime.dispose();
 * ```
 */
export async function createWebGpuRuntime({
  gpu,
  precision = "float32",
  tested,
}: WebGpuOptions = {}): Promise<WebGpuRuntime> {
  const { device, info, found } = await openAdapter(gpu);
  let { units, why }: Partial<typeof found> = precision === "mixed" ? found : {};
  const limits = { largest: device.largest, bindings: device.limits.maxStorageBuffersPerShaderStage };

  const compile = async <I, O>(
    fn: (inputs: I) => O,
    example: Placed<I>,
    residence: Residence = {},
  ): Promise<DeviceProgram<I, O>> => {
    device.expectAlive();
    const { plan, outputs, expectUnchanged } = planFunction(fn, example, {
      ...{ limits, half: precision === "mixed", units },
      ...residence,
    });
    const launcher = await prepareLaunch(device, plan);
    const launch = async (inputs: Placed<I>): Promise<OnDevice<O>> => {
      expectUnchanged?.();
      const results = await launcher.launch(asTree(inputs));
      return mapTree(asTree<GraphPort>(outputs), (port: GraphPort) => results.get(port.path)) as OnDevice<O>;
    };
    return {
      launch,
      run: runOf(launch),
      dispose: async () => launcher.dispose(),
    };
  };

  const runtime: WebGpuRuntime = {
    get name() {
      const rounds = precision === "mixed" ? "mixed precision" : "float32";
      const multiplies = units ? `matrix units ${unitsName(units)}` : "no matrix units";
      return `WebGPU, ${adapterInWords(info)}, ${rounds}, ${multiplies}${why === undefined ? "" : ` (${why})`}`;
    },
    adapter: info,
    allocated: device.allocated,
    traffic: () => ({ ...device.traffic }),
    precision,
    compile,
    place: async <T>(tree: T): Promise<OnDevice<T>> => {
      const leaves = treeLeaves(asTree<HostTensor>(tree));
      const shares = await allocateShares(
        device,
        "placed tensors",
        leaves.map(([, { data }]) => Math.max(4, data.byteLength)),
      );
      for (const [index, [, { data }]] of leaves.entries()) {
        const { buffer, offset } = shares[index];
        device.traffic.bytes += data.byteLength;
        if (data.byteLength > 0)
          device.gpu.queue.writeBuffer(buffer, offset, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      }
      let next = 0;
      return mapTree(asTree<HostTensor>(tree), (leaf: HostTensor, path) =>
        deviceTensor(device, leaf, path, shares[next++]),
      ) as OnDevice<T>;
    },
    execute: (fn, example) => compile(fn, example as Placed<never>),
    dispose: async () => device.dispose(),
  };
  const whole = Object.assign(runtime, { execute: Object.assign(runtime.execute, { runtime, precision }) });
  const { vendor, architecture, device: model, description } = info;
  const key = () => {
    const what = [vendor, architecture, model, description, precision, ...(units ? [unitsName(units)] : [])];
    return `${what.join("/")}/kernels ${kernelsVersion}`;
  };
  if (units) {
    why = await whyNotUnits(key(), tested, () => checkFamilies(runtime.execute));
    // It may be right without them.
    if (why) units = undefined;
  }
  if (!units && !(await tested?.has(key()))) {
    expectRight(runtime.name, precision, await checkFamilies(runtime.execute));
    await tested?.add(key());
  }
  return whole;
}
