import { KdcError, mapTree, type TreeLike } from "@kdc-mae/core";
import type { BatchAxis, GraphConstant, GraphNode, GraphPort } from "../compile/graph.js";
import type { KernelRules } from "../compile/kernel-rule.js";
import { attentionRules } from "../compile/kernels-attention.js";
import { type Trace, trace } from "../compile/trace.js";
import { asTree, type Hosted } from "../run/program.js";

/** Attention in groups that fit the cache would be another number of groups for another batch; here it is one. */
const attentionAtOnce = attentionRules(Number.POSITIVE_INFINITY);

/** Two primes that no model is likely to have as a size, so that nothing but the batch changes between them. */
const sizes = [101, 103] as const;

const refuse = (what: string): never => {
  throw new KdcError({
    where: "traceAnyBatch",
    what,
    remedy: "Trace for one batch size, or have the function treat every sample alike",
    reason: "batch",
  });
};

/** A number seen at both sizes as times · samples + plus. */
const line = (first: number, second: number, what: string): { readonly times: number; readonly plus: number } => {
  const times = (second - first) / (sizes[1] - sizes[0]);
  if (!Number.isInteger(times)) refuse(`${what} depends on the batch in a way no graph can follow`);
  return { times, plus: first - times * sizes[0] };
};

const withBatchAxes = (first: GraphPort, second: GraphPort): GraphPort => {
  const batch = first.shape.flatMap((size, axis): BatchAxis[] => {
    if (size === second.shape[axis]) return [];
    const { times, plus } = line(size, second.shape[axis], first.name);
    if (plus !== 0) refuse(`axis ${axis} of ${first.name} is ${times} · batch + ${plus}`);
    return [{ axis, times }];
  });
  return batch.length === 0 ? first : { ...first, batch };
};

const sameValues = (a: GraphConstant, b: GraphConstant): boolean => {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  const bytes = ({ data }: GraphConstant) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bytes(a).equals(bytes(b));
};

/** Nodes and constants that stand for whole numbers which follow the batch. */
const createFollowers = (inputs: readonly GraphPort[]) => {
  const nodes: GraphNode[] = [];
  const constants = new Map<string, GraphConstant>();
  const emit = (
    op: string,
    given: readonly string[],
    output: string,
    attributes: GraphNode["attributes"] = {},
  ): string => {
    nodes.push({ op, domain: "", inputs: given, outputs: [output], attributes });
    return output;
  };
  const whole = (values: readonly number[]): string => {
    const name = `%batch.${values.join(".")}`;
    constants.set(name, {
      name,
      dtype: "int64",
      shape: [values.length],
      data: BigInt64Array.from(values, (value) => BigInt(value)),
    });
    return name;
  };
  let samples: string | undefined;
  const batchSize = (): string => {
    if (samples !== undefined) return samples;
    const port = inputs.find(({ batch }) => batch !== undefined) ?? refuse("no input follows the batch");
    const [{ axis, times }] = port.batch!;
    const size = emit("Shape", [port.name], "%batch.size", { start: axis, end: axis + 1 });
    samples = times === 1 ? size : emit("Div", [size, whole([times])], "%batch.samples");
    return samples;
  };
  let count = 0;
  /** Numbers times · samples + plus, as one int64 list made while the graph runs. */
  const list = (entries: readonly { readonly times: number; readonly plus: number }[]): string => {
    const name = `%batch.list.${count++}`;
    const scaled = emit("Mul", [batchSize(), whole(entries.map(({ times }) => times))], `${name}.scaled`);
    return emit("Add", [scaled, whole(entries.map(({ plus }) => plus))], name);
  };
  return { list, whole, nodes, constants };
};

/**
 * Traces a function that treats every sample of a batch alike into a graph for any number of samples. The function is
 * traced at two sizes; where the two graphs differ, the difference is made to follow the size of the first input that
 * has a batch axis.
 *
 * @param exampleOf the example for a batch of a given size; values are not read, so `spec` will do
 * @throws KdcError where the function depends on the size of the batch in another way (a mean over it, say)
 */
export function traceAnyBatch<I, O>(
  fn: (inputs: I) => O,
  exampleOf: (samples: number) => Hosted<I>,
  rules: KernelRules = {},
): Trace<I, O> {
  const [first, second] = sizes.map((size) => trace(fn, exampleOf(size), { ...attentionAtOnce, ...rules }));
  const [a, b] = [first.graph, second.graph];
  if (a.nodes.length !== b.nodes.length || a.inputs.length !== b.inputs.length) {
    refuse("the function does other operations for another batch size");
  }
  const ports = new Map(
    [...a.inputs, ...a.outputs].map((port, index) => [port, withBatchAxes(port, [...b.inputs, ...b.outputs][index])]),
  );
  const [constantsA, constantsB] = [a, b].map(({ constants }) => new Map(constants.map((one) => [one.name, one])));
  const inputs = a.inputs.map((port) => ports.get(port)!);
  const followers = createFollowers(inputs);

  const operand = (node: GraphNode, nameA: string, nameB: string): string => {
    const [one, other] = [constantsA.get(nameA), constantsB.get(nameB)];
    if (one === undefined || other === undefined || sameValues(one, other)) return nameA;
    if (one.dtype !== "int64" || one.shape.length !== 1 || one.shape[0] !== other.shape[0]) {
      return refuse(`a constant that ${node.op} takes depends on the batch`);
    }
    const entries = Array.from(one.data as BigInt64Array, (value, i) =>
      line(Number(value), Number((other.data as BigInt64Array)[i]), node.op),
    );
    const moving = entries.filter(({ times }) => times !== 0);
    // A reshape may leave one size open.
    if (node.op === "Reshape" && moving.length === 1) {
      return followers.whole(entries.map(({ times, plus }) => (times === 0 ? plus : -1)));
    }
    return followers.list(entries);
  };
  const nodes = a.nodes.map((node, index): GraphNode => {
    const twin = b.nodes[index];
    if (node.op !== twin.op || JSON.stringify(node.attributes) !== JSON.stringify(twin.attributes)) {
      refuse(`${node.op} is another operation for another batch size`);
    }
    return { ...node, inputs: node.inputs.map((name, at) => operand(node, name, twin.inputs[at])) };
  });
  const needed = new Set([...followers.nodes, ...nodes].flatMap((node) => node.inputs));
  const replace = (port: GraphPort): GraphPort => ports.get(port) ?? port;
  return {
    graph: {
      inputs,
      outputs: a.outputs.map(replace),
      nodes: [...followers.nodes, ...nodes],
      constants: [...a.constants, ...followers.constants.values()].filter(({ name }) => needed.has(name)),
    },
    inputs: mapTree(asTree<GraphPort>(first.inputs), replace) as TreeLike<I, GraphPort>,
    outputs: mapTree(asTree<GraphPort>(first.outputs), replace) as TreeLike<O, GraphPort>,
    expectUnchanged: first.expectUnchanged,
  };
}
