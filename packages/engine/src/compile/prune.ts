import type { GraphConstant, GraphNode, GraphPort, OnnxGraph } from "./graph.js";

/** The parts of a graph that its outputs need: nothing else is kept, inputs included. */
export function pruneGraph(
  inputs: readonly GraphPort[],
  outputs: readonly GraphPort[],
  nodes: readonly GraphNode[],
  constants: readonly GraphConstant[],
): OnnxGraph {
  const needed = new Set(outputs.map((port) => port.name));
  const kept: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) needed.add(name);
  }
  return {
    inputs: inputs.filter((port) => needed.has(port.name)),
    outputs,
    nodes: kept.reverse(),
    constants: constants.filter((constant) => needed.has(constant.name)),
  };
}

/**
 * Gives the values that leave the graph their output names. A value made by a node is renamed where it is made, so
 * that no copy is needed; inputs, constants and values that leave twice go through an `Identity`.
 */
export function nameOutputs(
  nodes: readonly GraphNode[],
  leaving: readonly { readonly from: string; readonly to: string }[],
): GraphNode[] {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const copies: GraphNode[] = [];
  for (const { from, to } of leaving) {
    if (made.has(from) && !renamed.has(from)) renamed.set(from, to);
    else copies.push({ op: "Identity", domain: "", inputs: [from], outputs: [to], attributes: {} });
  }
  const name = (old: string): string => renamed.get(old) ?? old;
  return [...nodes, ...copies].map((node) => ({
    ...node,
    inputs: node.inputs.map(name),
    outputs: node.outputs.map(name),
  }));
}
