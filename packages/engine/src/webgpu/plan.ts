import type { OnnxGraph } from "../compile/graph.js";
import { type BoundKernel, bindKernel } from "./binding.js";
import { draftKernels, type Kernel } from "./draft-kernels.js";
import { fuse } from "./fuse.js";
import { lower } from "./lower.js";
import { type MemoryPlan, type Place, planMemory } from "./memory-plan.js";
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
  readonly kernels: readonly BoundKernel[];
  readonly memory: MemoryPlan;
  readonly outputs: readonly PlannedOutput[];
};

/** An output may be written over an input if, in its kernel and before, nobody needs the input's element afterwards. */
const canReplace = (kernels: readonly Kernel[], output: string, input: string): boolean => {
  let writer = -1;
  let [last, inWriter] = [-1, new Set<string>()];
  for (const [at, { text }] of kernels.entries()) {
    for (const { node, output: index, written, places } of text.touched) {
      if (keyOf(node, index) === output) {
        if (written) writer = at;
        else if (writer < 0) return false;
        if (written) inWriter = new Set([...inWriter, ...places]);
      }
      if (node.port?.path === input) last = at;
    }
  }
  if (writer < 0 || last > writer) return false;
  const reads = kernels[writer].text.touched.find(({ node }) => node.port?.path === input);
  return (
    reads === undefined || (inWriter.size === 1 && reads.places.size === 1 && [...reads.places][0] === [...inWriter][0])
  );
};

/**
 * Plans a graph.
 *
 * @throws KdcError naming the operator: one without a form, or a tensor that is too large
 */
export function planGraph(graph: OnnxGraph, { limits, half, keep }: PlanOptions): Plan {
  const inputs = new Map(graph.inputs.map((port) => [port.path, port]));
  const replaced = graph.outputs.map((port) => {
    const input = inputs.get(port.path);
    return keep(port.path) && input?.dtype === port.dtype && input.shape.join() === port.shape.join();
  });
  const lowered = lower(graph, half);
  const kernels = draftKernels(fuse(lowered, Math.max(4, limits.bindings - 4)), lowered.nodes.length);
  const inPlace = new Map<string, string>();
  const keys = lowered.outputs.map(({ node, output }) => keyOf(node, output));
  for (const [index, { path }] of graph.outputs.entries()) {
    if (replaced[index] && !inPlace.has(keys[index]) && canReplace(kernels, keys[index], path))
      inPlace.set(keys[index], path);
  }
  const memory = planMemory(kernels, new Set(keys), inPlace, limits.largest);
  return {
    graph,
    memory,
    kernels: kernels
      .filter(({ workgroups }) => workgroups > 0)
      .map((kernel) => bindKernel(kernel, memory, limits.bindings)),
    outputs: graph.outputs.map(({ path, dtype, shape }, index) => ({
      ...{ path, dtype, shape, place: memory.places.get(keys[index])!, kept: keep(path), replaces: replaced[index] },
    })),
  };
}
