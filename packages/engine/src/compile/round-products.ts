import type { GraphNode, OnnxGraph } from "./graph.js";

/** TensorProto.DataType */
const types = { float32: 1, float16: 10 } as const;

/** Operators that multiply matrices, with how many of their inputs are factors. */
const factors: Readonly<Record<string, number>> = { MatMul: 2, Gemm: 2, Einsum: 2, Conv: 2, ConvTranspose: 2 };

/**
 * The same graph with the factors of every product rounded to half precision, sums in float32: what mixed precision
 * computes on a card, on a machine without one. Slower than float32, and for tests.
 */
export function roundProducts(graph: OnnxGraph): OnnxGraph {
  const rounded = new Map<string, string>();
  const nodes: GraphNode[] = [];
  const round = (name: string): string => {
    const known = rounded.get(name);
    if (known !== undefined) return known;
    const [half, back] = [`${name}/half`, `${name}/rounded`];
    const cast = (from: string, to: string, type: number): GraphNode => ({
      ...{ op: "Cast", domain: "", inputs: [from], outputs: [to] },
      attributes: { to: type },
    });
    nodes.push(cast(name, half, types.float16), cast(half, back, types.float32));
    rounded.set(name, back);
    return back;
  };
  for (const node of graph.nodes) {
    const count = factors[node.op] ?? 0;
    nodes.push({ ...node, inputs: node.inputs.map((name, at) => (at < count ? round(name) : name)) });
  }
  return { ...graph, nodes };
}
