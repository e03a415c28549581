import { type Binding, type BoundBatch, type BoundKernel, batchShader, gridOf, tableOf } from "./binding.js";
import type { OpenDevice } from "./device.js";
import { type Range, storageUsage } from "./device-tensors.js";
import type { Kernel } from "./draft-kernels.js";
import { aligned, type Place } from "./memory-plan.js";
import type { Plan } from "./plan.js";

/** One dispatch, ready: what to set and how many workgroups. */
type Dispatch = {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [number, number];
};
/** All dispatches for inputs in certain places, and the tables made for them. */
type BindSet = { readonly dispatches: readonly Dispatch[]; readonly tables: readonly GPUBuffer[] };

/** How many sets of bind groups are kept: inputs may take turns between a few places. */
const keptSets = 4;

/** Bind groups of a plan, made for the places that its inputs lie in and kept while these come back. */
export function bindingsOf(
  device: OpenDevice,
  plan: Plan,
  { arenas, constants }: { readonly arenas: readonly GPUBuffer[]; readonly constants: GPUBuffer },
) {
  const { gpu } = device;
  const bindSets = new Map<string, Promise<BindSet>>();
  const numbers = new WeakMap<GPUBuffer, number>();
  let nextNumber = 0;
  const numberOf = (buffer: GPUBuffer): number => {
    const known = numbers.get(buffer) ?? nextNumber++;
    numbers.set(buffer, known);
    return known;
  };

  const rangeOf = (
    { area, offset, bytes }: Pick<Binding, "area" | "offset" | "bytes"> | Place,
    inputs: ReadonlyMap<string, Range>,
  ): Range => {
    const source =
      "input" in area
        ? inputs.get(area.input)!
        : { buffer: "arena" in area ? arenas[area.arena] : constants, offset: 0, bytes: 0 };
    return { buffer: source.buffer, offset: source.offset + offset, bytes: bytes ?? source.buffer.size };
  };
  const bindOne = async (kernel: BoundKernel, inputs: ReadonlyMap<string, Range>): Promise<Dispatch> => {
    const pipeline = await device.pipeline(kernel.shader);
    const entries = kernel.bindings.map((one, binding) => {
      const { buffer, offset, bytes } = rangeOf(one, inputs);
      return { binding, resource: { buffer, offset, size: Math.min(bytes, buffer.size - offset) } };
    });
    return {
      pipeline,
      grid: kernel.grid,
      group: gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
    };
  };
  /** Kernels of a batch whose memory lies in the same buffers run as one dispatch. */
  const bindBatch = async (
    { batch, places }: BoundBatch,
    inputs: ReadonlyMap<string, Range>,
    tables: GPUBuffer[],
  ): Promise<Dispatch[]> => {
    const parts = new Map<
      string,
      { readonly kernels: Kernel[]; readonly offsets: number[][]; readonly buffers: GPUBuffer[] }
    >();
    for (const [index, kernel] of batch.entries()) {
      const ranges = places[index].map((place) => rangeOf(place, inputs));
      const key = ranges.map(({ buffer }) => numberOf(buffer)).join();
      const part = parts.get(key) ?? { kernels: [], offsets: [], buffers: ranges.map(({ buffer }) => buffer) };
      part.kernels.push(kernel);
      part.offsets.push(ranges.map(({ offset }) => offset / 4));
      parts.set(key, part);
    }
    return Promise.all(
      [...parts.values()].map(async ({ kernels, offsets, buffers }) => {
        const distinct = [...new Set(buffers)];
        const shader = batchShader(
          kernels,
          buffers.map((buffer) => distinct.indexOf(buffer)),
        );
        const rows = tableOf(kernels, offsets);
        const table = await device.createBuffer("table of kernels", aligned(rows.byteLength), storageUsage);
        tables.push(table);
        gpu.queue.writeBuffer(table, 0, rows);
        const pipeline = await device.pipeline(shader);
        const entries = [...distinct, table].map((buffer, binding) => ({ binding, resource: { buffer } }));
        return {
          pipeline,
          grid: gridOf(kernels),
          group: gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
        };
      }),
    );
  };
  const makeSet = async (inputs: ReadonlyMap<string, Range>): Promise<BindSet> => {
    const tables: GPUBuffer[] = [];
    const dispatches = await Promise.all(
      plan.steps.map(async (step) =>
        "shader" in step ? [await bindOne(step, inputs)] : bindBatch(step, inputs, tables),
      ),
    );
    return { dispatches: dispatches.flat(), tables };
  };
  const drop = async (set: Promise<BindSet> | undefined): Promise<void> => {
    for (const table of (await set)?.tables ?? []) device.release(table);
  };
  const bindSetFor = (inputs: ReadonlyMap<string, Range>): Promise<BindSet> => {
    const key = [...inputs].map(([, { buffer, offset }]) => `${numberOf(buffer)}+${offset}`).join();
    const found = bindSets.get(key);
    if (found !== undefined) return found;
    const made = makeSet(inputs);
    if (bindSets.size >= keptSets) {
      const oldest = bindSets.keys().next().value as string;
      void drop(bindSets.get(oldest));
      bindSets.delete(oldest);
    }
    bindSets.set(key, made);
    return made;
  };
  return {
    /** Says which buffer it is. */
    numberOf,
    /** Where a place of the plan lies. */
    rangeOf,
    setFor: bindSetFor,
    dispose: (): void => {
      for (const set of bindSets.values()) void drop(set);
      bindSets.clear();
    },
  };
}
