import { KdcError, sizeOf } from "@kdc-mae/core";
import type { Attribute, ConstantData, ElementType, GraphConstant, GraphNode, OnnxGraph } from "../compile/graph.js";
import { broadcastLayout, isLinear, type Layout, permuteLayout, reshapeLayout, rowMajor, shapeOf } from "./layout.js";
import type { MatrixUnits } from "./matrix-units.js";
import type { DeviceType, Emit, Operand, PlanNode } from "./plan-node.js";

const deviceType = (dtype: ElementType): DeviceType =>
  dtype === "float32" ? "f32" : dtype === "bool" ? "bool" : "i32";

/** Values as they are kept on the device: four bytes each. */
const onDevice = ({ dtype, data }: GraphConstant): ConstantData => {
  if (dtype === "int64") return Int32Array.from(data as BigInt64Array, (value) => Number(BigInt.asIntN(32, value)));
  return dtype === "bool" ? Int32Array.from(data as Uint8Array) : data;
};

export const shapeOfOperand = (operand: Operand): number[] => shapeOf(operand.layout);
export const typeOf = ({ node, output }: Operand): DeviceType => node.types[output];

type Asked = Partial<PlanNode> & Pick<PlanNode, "op" | "family" | "sizes" | "types" | "operands">;

/** Turns a graph of ONNX operators into plan nodes, one operator after the other. */
export class Lowering {
  readonly nodes: PlanNode[] = [];
  private readonly values = new Map<string, Operand>();
  private readonly constants: ReadonlyMap<string, GraphConstant>;
  /** Matrix units, which multiply what is rounded alone. */
  readonly units?: MatrixUnits;
  /** Position in the graph of the node at work. */
  source = -1;
  /** Its operator. */
  op = "";

  constructor(
    graph: OnnxGraph,
    readonly half: boolean,
    units?: MatrixUnits,
  ) {
    this.units = half ? units : undefined;
    this.constants = new Map(graph.constants.map((constant) => [constant.name, constant]));
    for (const port of graph.inputs) {
      const sizes = [sizeOf(port.shape)];
      const types = [deviceType(port.dtype)];
      const node = this.node({ op: `input ${port.path}`, family: "memory", sizes, types, operands: [], port });
      this.values.set(port.name, { node, output: 0, layout: rowMajor(port.shape) });
    }
  }

  node(asked: Asked): PlanNode {
    const defaults = { stored: [], repeats: 1, elsewhere: false, cost: 1, source: this.source };
    const made = { ...defaults, ...asked, index: this.nodes.length };
    this.nodes.push(made);
    return made;
  }

  /** Outputs of a node as operands, row-major in these shapes. */
  outputs(node: PlanNode, shapes: readonly (readonly number[])[]): Operand[] {
    return shapes.map((shape, output) => ({ node, output, layout: rowMajor(shape) }));
  }

  /** An expression per element. */
  map(
    shape: readonly number[],
    type: DeviceType,
    operands: readonly Operand[],
    emit: Emit,
    more: Partial<Pick<PlanNode, "cost" | "stored" | "repeats" | "family" | "elsewhere">> = {},
  ): Operand {
    const sizes = [sizeOf(shape)];
    const asked = { op: this.op, family: "elementwise" as const, sizes, types: [type], operands, emit, ...more };
    return this.outputs(this.node(asked), [shape])[0];
  }

  value(name: string): Operand {
    const known = this.values.get(name);
    if (known !== undefined) return known;
    const constant = this.constants.get(name);
    if (constant === undefined) throw this.refuse(`nothing makes its input ${name}`);
    const sizes = [sizeOf(constant.shape)];
    const types = [deviceType(constant.dtype as ElementType)];
    const data = onDevice(constant);
    const node = this.node({ op: "constant", family: "memory", sizes, types, operands: [], constant: { data } });
    const operand = { node, output: 0, layout: rowMajor(constant.shape) };
    this.values.set(name, operand);
    return operand;
  }

  set(name: string, operand: Operand): void {
    this.values.set(name, operand);
  }

  /** The numbers of an input that must be known when the program is made: axes, shapes, paddings. */
  numbers(name: string | undefined): number[] {
    const constant = name === undefined ? undefined : this.constants.get(name);
    if (constant === undefined) throw this.refuse("one of its sizes or axes is computed while it runs");
    return Array.from(constant.data as ArrayLike<number | bigint>, Number);
  }

  /** The operand with its elements in order in memory; copied where they are not. */
  copied(operand: Operand): Operand {
    const shape = shapeOfOperand(operand);
    const linear = isLinear(operand.layout) && operand.node.sizes[operand.output] === sizeOf(shape);
    return linear ? { ...operand, layout: rowMajor(shape) } : this.copy(operand);
  }

  copy(operand: Operand): Operand {
    return this.map(shapeOfOperand(operand), typeOf(operand), [operand], (text, at) => text.operand(operand, at));
  }

  reshape(operand: Operand, shape: readonly number[]): Operand {
    const layout = reshapeLayout(operand.layout, shape);
    return layout === undefined ? this.reshape(this.copy(operand), shape) : { ...operand, layout };
  }

  permute(operand: Operand, perm: readonly number[]): Operand {
    return { ...operand, layout: permuteLayout(operand.layout, perm) };
  }

  broadcast(operand: Operand, shape: readonly number[]): Operand {
    return { ...operand, layout: broadcastLayout(operand.layout, shape) };
  }

  /** A change of layout, on a copy if the layout cannot say it. */
  relaid(operand: Operand, change: (layout: Layout) => Layout | undefined): Operand {
    const layout = change(operand.layout);
    if (layout !== undefined) return { ...operand, layout };
    const copy = this.copy(operand);
    const after = change(copy.layout);
    if (after === undefined) throw this.refuse("its layout is not known");
    return { ...copy, layout: after };
  }

  /** An error about the operator at work; the line that called it is found by whoever catches it. */
  refuse(what: string): KdcError {
    return new KdcError({
      where: `webgpu: ${this.op}`,
      what: `this use of the operator has no form on the device: ${what}`,
      remedy: "Write it with other operations, or run on --device cpu",
      reason: "operator",
    });
  }
}

/** One call of an operator. */
export type FormCall = {
  readonly node: GraphNode;
  /** Inputs in order; undefined where one is left out. */
  readonly inputs: readonly Operand[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly lowering: Lowering;
};

/** How an operator is said in plan nodes. */
export type Form = (call: FormCall) => readonly Operand[];
export type Forms = Readonly<Record<string, Form>>;

/** A whole number among the attributes. */
export const whole = (attributes: FormCall["attributes"], name: string, otherwise: number): number =>
  Number(attributes[name] ?? otherwise);
export const wholes = (attributes: FormCall["attributes"], name: string, otherwise: readonly number[]): number[] => [
  ...((attributes[name] as readonly number[] | undefined) ?? otherwise),
];
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
