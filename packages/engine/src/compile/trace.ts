import "../backend/register.js";
import { KdcError, mapTree, type Tree, type TreeLike, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree, atOnce, type Hosted } from "../run/program.js";
import { cast } from "./arithmetic.js";
import { callSite, withDeepStacks } from "./call-site.js";
import { fuseBias } from "./fuse-bias.js";
import type { ElementType, GraphPort, OnnxGraph } from "./graph.js";
import type { Value } from "./graph-builder.js";
import type { KernelRules } from "./kernel-rule.js";
import { kernelTable } from "./kernel-table.js";
import { nameOutputs, pruneGraph } from "./prune.js";
import { missingKernel, type Recorder, type TraceOptions, withRecorder } from "./recorder.js";

/** Types and shapes of a graph's inner values, by name. */
export type InnerValues = ReadonlyMap<string, Pick<Value, "dtype" | "shape">>;

/** A function as a graph, and the trees it takes and gives with a port at each leaf. */
export type Trace<I, O> = {
  readonly graph: OnnxGraph;
  readonly inputs: TreeLike<I, GraphPort>;
  readonly outputs: TreeLike<O, GraphPort>;
  /** Type and shape of what is computed on the way, by name, as it was traced. */
  readonly values?: InnerValues;
  /** Throws when a `tf.Variable` that the function read, a constant of the graph, was assigned since. */
  readonly expectUnchanged?: () => void;
  /** Never there: it carries the function's types. */
  readonly types?: (inputs: I) => O;
};

type ExampleLeaf = { readonly shape: readonly number[]; readonly dtype: string };

const where = "compile";

const inputPort = (leaf: ExampleLeaf, path: string): GraphPort => {
  if (leaf.dtype !== "float32" && leaf.dtype !== "int32") {
    throw new KdcError({
      where,
      what: `the input ${path || "(root)"} has type ${leaf.dtype}`,
      remedy: "Give inputs as float32 or int32; cast inside the function if it needs another type",
      reason: "dtype",
    });
  }
  return { path, name: path || "input", dtype: leaf.dtype, shape: [...leaf.shape] };
};

const refuseDoubles = (ports: readonly GraphPort[]): void => {
  const seen = new Set<string>();
  for (const { name } of ports) {
    if (seen.has(name)) {
      throw new KdcError({
        where,
        what: `two inputs are called ${name}`,
        remedy: "Do not use dots in the keys of a tree",
        reason: "names",
      });
    }
    seen.add(name);
  }
};

const outputPorts = (leaves: readonly [string, Value][], taken: ReadonlySet<string>): GraphPort[] => {
  const used = new Set(taken);
  return leaves.map(([path, value]) => {
    let name = path || "output";
    while (used.has(name)) name += "_out";
    used.add(name);
    return { path, name, dtype: value.dtype === "float32" ? "float32" : "int32", shape: value.shape };
  });
};

/** Turns what tfjs threw into an error that names the kernel and the caller's line. */
const explain = (error: unknown): unknown => {
  const kernel = missingKernel(error);
  if (kernel === undefined) return error;
  return new KdcError({
    where: callSite((error as Error).stack) ?? where,
    what: `the tfjs kernel ${kernel} has no ONNX form here`,
    remedy: `Write it with other operations, teach the compiler with registerKernelRule("${kernel}", rule), or run the function eagerly`,
    reason: "kernel",
    cause: error,
  });
};

/** What the nodes of a graph give, at the shapes it is stored in; outputs under the names they leave by. */
const valuesOf = (
  { nodes, outputs }: OnnxGraph,
  leaves: readonly (readonly [string, Value])[],
  { named }: Recorder["graph"],
): InnerValues => {
  const leaving = new Map(outputs.map(({ name }, index) => [name, leaves[index][1]]));
  return new Map(
    nodes
      .flatMap((node) => node.outputs)
      .flatMap((name) => {
        const value = leaving.get(name) ?? named(name);
        return value === undefined ? [] : [[name, { dtype: value.dtype, shape: value.stored }] as const];
      }),
  );
};

const record = <I, O>(recorder: Recorder, fn: (inputs: I) => O, inputTree: Tree<GraphPort>): Trace<I, O> => {
  const { graph } = recorder;
  const inputs = treeLeaves(inputTree).map(([, port]) => port);
  refuseDoubles(inputs);
  const tensors = mapTree(inputTree, (port: GraphPort) =>
    tf.engine().makeTensorFromTensorInfo(recorder.keep(graph.input(port.name, port.shape, port.dtype))),
  );
  const result = atOnce(fn(tensors as I));
  const leaves = treeLeaves(asTree<tf.Tensor>(result)).map(([path, tensor]): [string, Value] => {
    const value = recorder.lookup(tensor);
    const type: ElementType = value.dtype === "float32" ? "float32" : "int32";
    return [path, graph.full(cast(graph, value, type))];
  });
  const outputs = outputPorts(leaves, new Set(inputs.map((port) => port.name)));
  const leaving = outputs.map((port, index) => ({ from: leaves[index][1].name, to: port.name }));
  const nodes = fuseBias(
    graph,
    leaving.map(({ from }) => from),
  );
  let next = 0;
  const pruned = pruneGraph(inputs, outputs, nameOutputs(nodes, leaving), graph.constants);
  return {
    graph: pruned,
    values: valuesOf(pruned, leaves, graph),
    expectUnchanged: recorder.expectUnchanged(),
    inputs: inputTree as TreeLike<I, GraphPort>,
    outputs: mapTree(asTree<tf.Tensor>(result), (_: tf.Tensor) => outputs[next++]) as TreeLike<O, GraphPort>,
  };
};

/** Has variables from outside refuse to be assigned: they would hold a tensor without values, and no run would assign them. */
const withoutAssigning = <Result>(action: () => Result): Result => {
  const { assign } = tf.Variable.prototype;
  const outside = new Set(Object.values(tf.engine().state.registeredVariables));
  tf.Variable.prototype.assign = function (value) {
    if (!outside.has(this)) return assign.call(this, value);
    throw new KdcError({
      where: callSite(new Error().stack) ?? where,
      what: `the variable ${this.name} is assigned while the function is being traced, and no run would assign it`,
      remedy: "Return the new value as an output, and assign it outside",
      reason: "variable",
    });
  };
  try {
    return action();
  } finally {
    tf.Variable.prototype.assign = assign;
  }
};

/** Has `Math.random`, of which tfjs makes its random numbers where no seed is given, refuse: they would be drawn once for all runs. */
const withoutChance = <Result>(action: () => Result): Result => {
  const { random } = Math;
  Math.random = () => {
    throw new KdcError({
      where: callSite(new Error().stack) ?? where,
      what: "a random number is drawn while the function is being traced, and would be the same in every run",
      remedy:
        "Draw outside and give the function what was drawn as an input, or give a seed (other than 0) where the same numbers in every run are meant",
      reason: "random",
    });
  };
  try {
    return action();
  } finally {
    Math.random = random;
  }
};

/**
 * Runs `fn` once on tensors without values and writes down what it does. tfjs gradients inside `fn` are recorded like
 * everything else. What the function takes from elsewhere than its inputs (captured tensors, a seeded draw, the time) becomes a
 * constant.
 *
 * @param fn any synchronous tfjs function from a tree of tensors to a tree of tensors
 * @param example a tree of leaves with the shapes and types (float32, int32) the program will take; values are not read
 * @param rules kernel rules for this trace, before the table
 * @throws KdcError naming kernel and line when a kernel has no ONNX form, or when `fn` reads values, draws random
 *   numbers without a seed or is async
 *
 * @example
 * ```ts
 * import { spec, trace } from "@kdc-mae/engine";
 * import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
 *
 * const { graph } = trace(({ a, b }: { a: Tensor2D; b: Tensor2D }) => matMul(a, b), { a: spec([2, 3]), b: spec([3, 4]) });
 * console.log(graph.nodes.map(({ op }) => op));
 * ```
 */
export function trace<I, O>(
  fn: (inputs: I) => O,
  example: Hosted<I>,
  rules: KernelRules = {},
  options: TraceOptions = {},
): Trace<I, O> {
  const inputTree = mapTree(asTree<ExampleLeaf>(example), inputPort);
  return withDeepStacks(() =>
    withRecorder(
      kernelTable(rules),
      (recorder) => {
        let traced: Trace<I, O> | undefined;
        try {
          withoutChance(() =>
            withoutAssigning(() =>
              tf.tidy(() => {
                traced = record(recorder, fn, inputTree);
              }),
            ),
          );
        } catch (error) {
          throw explain(error);
        }
        return traced as Trace<I, O>;
      },
      options,
    ),
  );
}
