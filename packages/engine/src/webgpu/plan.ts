import type { OnnxGraph } from "../compile/graph.js";
import { type BoundBatch, type BoundKernel, bindBatch, bindKernel } from "./binding.js";
import { draftKernels, type Kernel } from "./draft-kernels.js";
import { fuse } from "./fuse.js";
import { lower } from "./lower.js";
import type { MatrixUnits } from "./matrix-units.js";
import { type MemoryPlan, type Place, planMemory } from "./memory-plan.js";
import { type KernelBatch, mergeKernels } from "./merge.js";
import { keyOf } from "./plan-node.js";

/** What an adapter allows, as far as a plan asks. */
export type PlanLimits = {
  /** Bytes of one tensor and of one arena. */
  readonly largest: number;
  /** Bindings of one kernel. */
  readonly bindings: number;
};

export type PlanOptions = {
  readonly limits: PlanLimits;
  /** Rounds operands of products to half precision. */
  readonly half: boolean;
  /** Matrix units that multiply what is rounded. */
  readonly units?: MatrixUnits;
  /** Outputs that are kept. */
  readonly keep: (path: string) => boolean;
};

/** Where an output of the graph is found after a run. */
export type PlannedOutput = {
  readonly path: string;
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  readonly place: Place;
  readonly kept: boolean;
  /** It takes the place of the input of its path: there already, or to be copied there. */
  readonly replaces: boolean;
};

/** A program without a device: kernels with their whole text, memory, and what a run has to do. */
export type Plan = {
  readonly graph: OnnxGraph;
  /** In running order. */
  readonly steps: readonly (BoundKernel | BoundBatch)[];
  readonly memory: MemoryPlan;
  readonly outputs: readonly PlannedOutput[];
};

/**
 * An output may be written over an input if nobody needs the input's elements afterwards: nobody reads it after that
 * kernel, and the kernel reads it only where it writes.
 */
const canReplace = (batches: readonly KernelBatch[], output: string, input: string): boolean => {
  let writer: Kernel | undefined;
  let isRead = false;
  for (const batch of batches) {
    for (const kernel of batch) {
      const { touched } = kernel.text;
      const made = touched.find(({ node, output: index }) => keyOf(node, index) === output);
      const source = touched.find(({ node }) => node.port?.path === input);
      if (made?.written) {
        if (
          writer !== undefined ||
          (isRead && batch.length > 1 && batch.some((one) => one !== kernel && reads(one, input)))
        )
          return false;
        writer = kernel;
        const places = new Set([...made.places, ...(source?.places ?? [])]);
        if (places.size > 1) return false;
      } else if (source !== undefined) {
        if (writer !== undefined) return false;
        isRead = true;
      } else if (made !== undefined && writer === undefined) return false;
    }
  }
  return writer !== undefined;
};

/** Which batches touch an output (by key) or an input (by `input` and its path). */
const byName = (batches: readonly KernelBatch[]): ReadonlyMap<string, ReadonlySet<number>> => {
  const found = new Map<string, Set<number>>();
  for (const [at, batch] of batches.entries()) {
    for (const { text } of batch) {
      for (const { node, output } of text.touched) {
        const name = node.port === undefined ? keyOf(node, output) : `input ${node.port.path}`;
        found.set(name, (found.get(name) ?? new Set()).add(at));
      }
    }
  }
  return found;
};

const reads = ({ text }: Kernel, input: string): boolean => text.touched.some(({ node }) => node.port?.path === input);

/**
 * Plans a graph.
 *
 * @throws KdcError naming the operator: one without a form, or a tensor that is too large
 */
export function planGraph(graph: OnnxGraph, { limits, half, units, keep }: PlanOptions): Plan {
  const inputs = new Map(graph.inputs.map((port) => [port.path, port]));
  const replaced = graph.outputs.map((port) => {
    const input = inputs.get(port.path);
    return keep(port.path) && input?.dtype === port.dtype && input.shape.join() === port.shape.join();
  });
  const lowered = lower(graph, half, units);
  const drafts = draftKernels(fuse(lowered, Math.max(4, limits.bindings - 4)), lowered.nodes.length);
  const batches = mergeKernels(drafts.filter(({ workgroups }) => workgroups > 0));
  const inPlace = new Map<string, string>();
  const keys = lowered.outputs.map(({ node, output }) => keyOf(node, output));
  const touching = byName(batches);
  for (const [index, { path }] of graph.outputs.entries()) {
    const [key, name] = [keys[index], `input ${path}`];
    const batchesOf = new Set([...(touching.get(key) ?? []), ...(touching.get(name) ?? [])]);
    const concerned = [...batchesOf].sort((a, b) => a - b).map((at) => batches[at]);
    if (replaced[index] && !inPlace.has(key) && canReplace(concerned, key, path)) inPlace.set(key, path);
  }
  const memory = planMemory(batches, new Set(keys), inPlace, limits.largest);
  return {
    graph,
    memory,
    steps: batches.map((batch) =>
      batch.length === 1 ? bindKernel(batch[0], memory, limits.bindings) : bindBatch(batch, memory),
    ),
    outputs: graph.outputs.map(({ path, dtype, shape }, index) => ({
      ...{ path, dtype, shape, place: memory.places.get(keys[index])!, kept: keep(path), replaces: replaced[index] },
    })),
  };
}
