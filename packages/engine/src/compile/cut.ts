import type { GraphNode, GraphPort, OnnxGraph } from "./graph.js";
import { pruneGraph } from "./prune.js";
import type { InnerValues } from "./trace.js";

/** A graph as two that run one after the other. */
export type Cut = {
  readonly first: OnnxGraph;
  /** Takes `doors`, and of the whole graph's inputs what it needs. */
  readonly second: OnnxGraph;
  /** Values that the first computes and the second takes: outputs of the one, inputs of the other, by path. */
  readonly doors: readonly GraphPort[];
  /** Inputs of either that are there before the first runs. */
  readonly early: readonly GraphPort[];
  /** Inputs that are there before the second runs. */
  readonly late: readonly GraphPort[];
};

/** Operations that only look at their input otherwise, or repeat it: done in both halves sooner than handed over. */
const free: ReadonlySet<string> = new Set(["Reshape", "Squeeze", "Unsqueeze", "Identity", "Expand"]);

/**
 * Cuts a graph in two: the first half computes some of the outputs and nothing else, the second the rest, from what the
 * first computed on the way. So something may happen between the two, on which only the second depends. Nothing is
 * computed twice but what costs nothing, what is neither float32 nor int32, which cannot go in or out of a graph, and
 * results of the second half that the first needs on the way.
 *
 * @param values types and shapes of what is inside, as `trace` gives them
 * @param isFirst whether an output, by path, is wanted first
 * @param isLate whether an input, by path, is there only for the second half; no output of the first may depend on it
 */
export function cut(
  graph: OnnxGraph,
  values: InnerValues,
  { isFirst, isLate }: { readonly isFirst: (path: string) => boolean; readonly isLate: (path: string) => boolean },
): Cut {
  const prune = (outputs: readonly GraphPort[], nodes = graph.nodes, inputs = graph.inputs) =>
    pruneGraph(inputs, outputs, nodes, graph.constants);
  const before = prune(graph.outputs.filter(({ path }) => isFirst(path)));
  const wrong = before.inputs.find(({ path }) => isLate(path));
  if (wrong !== undefined) throw new Error(`what is computed first depends on ${wrong.path}, which is not there yet`);
  const after = graph.outputs.filter(({ path }) => !isFirst(path));

  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const early = new Set(before.nodes);
  const later = new Set<GraphNode>();
  const doors = new Map<string, GraphPort>();
  /** Has a node computed in the second half, with all that it takes and is not handed over. */
  const need = (start: GraphNode): void => {
    const open = [start];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (later.has(node)) continue;
      later.add(node);
      for (const name of node.inputs) {
        const maker = makers.get(name);
        if (maker === undefined) continue;
        const value = values.get(name);
        const fits = value?.dtype === "float32" || value?.dtype === "int32";
        if (!early.has(maker) || free.has(maker.op) || !fits) open.push(maker);
        else doors.set(name, { path: `%${name}`, name, dtype: value.dtype as GraphPort["dtype"], shape: value.shape });
      }
    }
  };
  for (const { name } of after) {
    const maker = makers.get(name);
    if (maker !== undefined) need(maker);
  }
  // What the second half computes after all, since it gives it as a result or needs another output of the same node.
  for (const name of doors.keys()) if (later.has(makers.get(name) as GraphNode)) doors.delete(name);

  // What leaves the first half as its result leaves once more as a door: the result is the caller's.
  const results = new Set(before.outputs.map(({ name }) => name));
  const [ports, copies]: [GraphPort[], GraphNode[]] = [[], []];
  for (const [name, port] of doors) {
    if (!results.has(name)) ports.push(port);
    else {
      ports.push({ ...port, name: `${name}/kept` });
      copies.push({ op: "Identity", domain: "", inputs: [name], outputs: [`${name}/kept`], attributes: {} });
    }
  }
  const first = prune([...before.outputs, ...ports], [...graph.nodes, ...copies]);
  const second = prune(
    after,
    graph.nodes.filter((node) => later.has(node)),
    [...graph.inputs, ...doors.values()],
  );
  const taken = new Set([...first.inputs, ...second.inputs]);
  const inputs = graph.inputs.filter((port) => taken.has(port));
  return {
    ...{ first, second, doors: ports },
    early: inputs.filter(({ path }) => !isLate(path)),
    late: inputs.filter(({ path }) => isLate(path)),
  };
}
