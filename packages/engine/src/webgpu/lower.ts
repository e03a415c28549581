import { isKdcError, KdcError } from "@kdc-mae/core";
import type { OnnxGraph } from "../compile/graph.js";
import { elementwiseForms } from "./forms-elementwise.js";
import { gatherForms } from "./forms-gather.js";
import { ownForms } from "./forms-own.js";
import { productForms } from "./forms-product.js";
import { rowForms } from "./forms-rows.js";
import { shapeForms } from "./forms-shape.js";
import { windowForms } from "./forms-window.js";
import { type Forms, Lowering } from "./lowering.js";
import type { MatrixUnits } from "./matrix-units.js";
import type { Operand, PlanNode } from "./plan-node.js";
import { ownDomain } from "./rules.js";

const forms: Forms = {
  ...elementwiseForms,
  ...shapeForms,
  ...rowForms,
  ...productForms,
  ...gatherForms,
  ...windowForms,
};

/** Operators of ONNX that have a form on the device, in alphabetical order. */
export const webGpuOperators = (): readonly string[] => Object.keys(forms).sort();

/** A graph as plan nodes; each output of the graph is all of one node's memory. */
export type Lowered = { readonly nodes: readonly PlanNode[]; readonly outputs: readonly Operand[] };

/**
 * @param half rounds operands of products to half precision
 * @param units matrix units for products of rounded operands
 * @throws KdcError (reason `operator`) for an operator without a form
 */
export function lower(graph: OnnxGraph, half: boolean, units?: MatrixUnits): Lowered {
  const lowering = new Lowering(graph, half, units);
  for (const [source, node] of graph.nodes.entries()) {
    lowering.source = source;
    lowering.op = node.op;
    const form = (node.domain === ownDomain ? ownForms : node.domain === "" ? forms : {})[node.op];
    if (form === undefined) {
      throw withSource(
        new KdcError({
          where: `webgpu: ${node.op}`,
          what: "the device has no form of this operator",
          remedy: "Write it with other operations, or run on --device cpu",
          reason: "operator",
        }),
        source,
      );
    }
    const inputs = node.inputs.map((name) => (name === "" ? undefined : lowering.value(name)));
    try {
      const made = form({ node, inputs: inputs as Operand[], attributes: node.attributes, lowering });
      for (const [index, name] of node.outputs.entries()) lowering.set(name, made[index]);
    } catch (error) {
      throw withSource(error, source);
    }
  }
  // An input or a constant leaves as a copy: what a program gives is its own.
  const outputs = graph.outputs.map((port) => {
    lowering.op = `the output ${port.path || "(root)"}`;
    if (port.shape.includes(0)) throw lowering.refuse("it has no elements");
    const value = lowering.copied(lowering.value(port.name));
    return value.node.family === "memory" ? lowering.copy(value) : value;
  });
  return { nodes: lowering.nodes, outputs };
}

const sources = new WeakMap<object, number>();
const withSource = (error: unknown, source: number): unknown => {
  if (isKdcError(error)) sources.set(error, source);
  return error;
};

/** Which node of the graph an error from {@link lower} is about. */
export const sourceOf = (error: unknown): number | undefined =>
  typeof error === "object" && error !== null ? sources.get(error) : undefined;
