import type { GraphNode } from "./graph.js";
import type { GraphBuilder } from "./graph-builder.js";

/** `Add` of a product's only use and a vector, the bias. */
type Biased = { readonly product: GraphNode; readonly bias: string };

/**
 * Has `Gemm` add the bias of a linear layer: one pass over its output less.
 *
 * @param leaving names that leave the graph, and so count as used
 */
export function fuseBias(graph: GraphBuilder, leaving: readonly string[]): readonly GraphNode[] {
  const uses = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...leaving]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  const gemms = new Map(graph.nodes.filter(({ op }) => op === "Gemm").map((node) => [node.outputs[0], node]));

  const biased = (node: GraphNode): Biased | undefined => {
    if (node.op !== "Add") return undefined;
    for (const [from, bias] of [node.inputs, node.inputs.toReversed()]) {
      const product = gemms.get(from);
      const columns = graph.named(from)?.stored[1];
      const vector = graph.named(bias)?.stored;
      if (product?.inputs.length === 2 && uses.get(from) === 1 && vector?.length === 1 && vector[0] === columns) {
        return { product, bias };
      }
    }
    return undefined;
  };

  const fused = new Set<GraphNode>();
  const nodes = graph.nodes.map((node): GraphNode => {
    const found = biased(node);
    if (!found) return node;
    fused.add(found.product);
    return { ...found.product, inputs: [...found.product.inputs, found.bias], outputs: node.outputs };
  });
  return nodes.filter((node) => !fused.has(node));
}
