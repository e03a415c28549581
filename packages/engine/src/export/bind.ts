import { type HostTensor, KdcError, type Tree, type TreeLike, treeLeaves } from "@kdc-mae/core";
import type { GraphConstant, GraphPort } from "../compile/graph.js";
import type { Trace } from "../compile/trace.js";
import { asTree, type Hosted } from "../run/program.js";

const refuse = (what: string, remedy: string): never => {
  throw new KdcError({ where: "bind", what, remedy, reason: "bind" });
};

const constantOf = (port: GraphPort, value: HostTensor | undefined): GraphConstant => {
  if (value === undefined) return refuse(`there is no value for ${port.path}`, "Give a tree like the one traced");
  if (value.dtype !== port.dtype || value.shape.join() !== port.shape.join()) {
    return refuse(
      `${port.path} is ${value.dtype} [${value.shape.join(", ")}], the graph takes ${port.dtype} [${port.shape.join(", ")}]`,
      "Trace again with an example of these shapes",
    );
  }
  return { name: port.name, dtype: port.dtype, shape: port.shape, data: value.data };
};

/**
 * Writes the inputs under one key into the graph as constants: parameters, when a model is exported or only embeds.
 * ONNX Runtime then lays weights out once, when the session is made. Values are not copied.
 *
 * @param key a key at the top of the input tree
 * @param values the tree under that key
 * @throws KdcError when a value is missing or of another shape
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { bind, spec, trace } from "@kdc-mae/engine";
 * import { matMul, type Tensor2D } from "@tensorflow/tfjs-core";
 *
 * type Inputs = { readonly params: { readonly w: Tensor2D }; readonly x: Tensor2D };
 * const product = ({ params, x }: Inputs): Tensor2D => matMul(x, params.w);
 * const traced = trace(product, { params: { w: spec([3, 2]) }, x: spec([5, 3]) });
 * const { graph } = bind(traced, "params", { w: float32([3, 2]) });
 * console.log(graph.inputs.map(({ path }) => path)); // ["x"]
 * ```
 */
export function bind<I extends object, O, Key extends keyof I & string>(
  trace: Trace<I, O>,
  key: Key,
  values: Hosted<I[Key]>,
): Trace<Omit<I, Key>, O> {
  const given = new Map(treeLeaves(asTree<HostTensor>(values), key));
  const under = ({ path }: GraphPort): boolean => path === key || path.startsWith(`${key}.`);
  const { graph } = trace;
  const bound = graph.inputs.filter(under).map((port) => constantOf(port, given.get(port.path)));
  const { [key]: _, ...inputs } = trace.inputs as { readonly [name: string]: Tree<GraphPort> };
  return {
    graph: {
      ...graph,
      inputs: graph.inputs.filter((port) => !under(port)),
      constants: [...graph.constants, ...bound],
    },
    inputs: inputs as object as TreeLike<Omit<I, Key>, GraphPort>,
    outputs: trace.outputs,
    expectUnchanged: trace.expectUnchanged,
  };
}
