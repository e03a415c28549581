import { KdcError, sizeOf } from "@kdc-mae/core";
import { callSite } from "./call-site.js";
import type { Attribute, ConstantData, ElementType, GraphConstant, GraphNode } from "./graph.js";

/**
 * A value while a graph is being built. `stored` is the shape it has in the graph; it may have ones where `shape`
 * has larger sizes (a value repeated along an axis is kept short until somebody needs it long). Both have one rank.
 */
export type Value = {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly stored: readonly number[];
  /** The one number this value is filled with, where that is known. */
  readonly splat?: number;
};

/** How a rule asks for a node: its output's shape and type, attributes, domain. */
export type NodeRequest = {
  readonly dtype?: ElementType;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
  /** Nodes of one copy are shared among themselves only: a copy is computed again instead of being kept in memory. */
  readonly copy?: string;
};

const typed = (values: ArrayLike<number>, dtype: ElementType): ConstantData => {
  switch (dtype) {
    case "float32":
      return Float32Array.from(values);
    case "int32":
      return Int32Array.from(values);
    case "int64":
      return BigInt64Array.from(Array.from(values, BigInt));
    case "bool":
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
  }
};

/** FNV-1a over the bytes; equal hashes are compared byte by byte before two constants become one. */
const hashBytes = (bytes: Uint8Array): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
};

const bytesOf = (data: ConstantData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/** Operators of ONNX that take numbers, and no truth values. */
const ofNumbers = new Set(
  "Add Sub Mul Div Mod Pow Neg Abs Sign Relu Clip CumSum ArgMax ArgMin TopK Less Greater MatMul Gemm Einsum".split(" "),
);

/** Builds one graph: equal nodes and equal constants are made once. */
export type GraphBuilder = ReturnType<typeof createGraphBuilder>;

/** @param site says which line asks for what is added now; left out, no line is kept */
export function createGraphBuilder(site?: () => string | undefined) {
  const nodes: GraphNode[] = [];
  const constants: GraphConstant[] = [];
  const constantsByHash = new Map<string, GraphConstant[]>();
  const madeNodes = new Map<string, readonly string[]>();
  const makers = new Map<string, GraphNode>();
  const known = new Map<string, Value>();
  let count = 0;
  const freshName = (): string => `%${count++}`;

  const port = (name: string, shape: readonly number[], dtype: ElementType): Value => {
    const value = { name, dtype, shape, stored: shape };
    known.set(name, value);
    return value;
  };

  const addConstant = (data: ConstantData, shape: readonly number[], dtype: ElementType): string => {
    const bytes = bytesOf(data);
    const key = `${dtype}[${shape.join()}]${hashBytes(bytes)}`;
    const alike = constantsByHash.get(key) ?? [];
    const found = alike.find((constant) => equalBytes(bytesOf(constant.data), bytes));
    if (found) return found.name;
    const made = { name: freshName(), dtype, shape, data };
    constants.push(made);
    constantsByHash.set(key, [...alike, made]);
    return made.name;
  };

  /** One number repeated over a shape; stored as a single element. */
  const splat = (value: number, shape: readonly number[], dtype: ElementType): Value => {
    const stored = shape.map(() => 1);
    const data = typed([value], dtype);
    const made = { ...port(addConstant(data, stored, dtype), stored, dtype), splat: Number(data[0]) };
    known.set(made.name, made);
    return { ...made, shape };
  };

  /** A constant copied from `values`, row-major. */
  const constant = (values: ArrayLike<number>, shape: readonly number[], dtype: ElementType): Value => {
    const size = sizeOf(shape);
    if (size > 0) {
      let same = true;
      for (let i = 1; same && i < size; i++) same = values[i] === values[0];
      if (same) return splat(values[0], shape, dtype);
    }
    return port(addConstant(typed(values, dtype), shape, dtype), shape, dtype);
  };

  /** The name of an int64 list, as shapes, axes and paddings are given in ONNX. */
  const int64s = (values: readonly number[]): Value =>
    port(addConstant(typed(values, "int64"), [values.length], "int64"), [values.length], "int64");

  const addNode = (
    op: string,
    inputs: readonly string[],
    outputCount: number,
    { attributes = {}, domain = "", copy = "" }: NodeRequest,
  ): readonly string[] => {
    const key = `${copy}${domain}/${op}(${inputs.join()})${outputCount}${JSON.stringify(attributes)}`;
    const made = madeNodes.get(key);
    if (made) return made;
    if (ofNumbers.has(op) && inputs.some((name) => known.get(name)?.dtype === "bool")) {
      throw new KdcError({
        where: callSite(new Error().stack) ?? "compile",
        what: `${op} is asked of bool tensors, which are no numbers`,
        remedy: 'Cast them before: tf.cast(x, "int32")',
        reason: "dtype",
      });
    }
    const outputs = Array.from({ length: outputCount }, freshName);
    const node = { op, domain, inputs, outputs, attributes, ...(site === undefined ? {} : { site: site() }) };
    nodes.push(node);
    madeNodes.set(key, outputs);
    for (const output of outputs) makers.set(output, node);
    return outputs;
  };

  /** Nothing, in a shape that has a size of 0. No operation is needed for it, and ONNX Runtime's abort on some. */
  const nothing = (shape: readonly number[], dtype: ElementType): Value =>
    port(addConstant(typed([], dtype), shape, dtype), shape, dtype);

  /** The same value stored at its full shape. */
  const full = (value: Value): Value => {
    if (sizeOf(value.shape) === 0) return nothing(value.shape, value.dtype);
    if (sameShape(value.stored, value.shape)) return value;
    const [name] = addNode("Expand", [value.name, int64s(value.shape).name], 1, {});
    return port(name, value.shape, value.dtype);
  };

  /** Adds a node that needs its inputs at full shape; `null` leaves an optional input out. One value per output shape. */
  const nodeMany = (
    op: string,
    inputs: readonly (Value | null)[],
    outputs: readonly { readonly shape: readonly number[]; readonly dtype?: ElementType }[],
    request: NodeRequest = {},
  ): Value[] => {
    const typeOf = (dtype?: ElementType) => dtype ?? request.dtype ?? inputs[0]?.dtype ?? "float32";
    if (outputs.every(({ shape }) => sizeOf(shape) === 0)) {
      return outputs.map(({ shape, dtype }) => nothing(shape, typeOf(dtype)));
    }
    const names = addNode(
      op,
      inputs.map((value) => (value === null ? "" : full(value).name)),
      outputs.length,
      request,
    );
    return outputs.map(({ shape, dtype }, index) => port(names[index], shape, typeOf(dtype)));
  };

  /** {@link nodeMany} with one output. */
  const node = (
    op: string,
    inputs: readonly (Value | null)[],
    shape: readonly number[],
    request: NodeRequest = {},
  ): Value => nodeMany(op, inputs, [{ shape }], request)[0];

  /** Adds a node that works element by element and broadcasts its inputs, which may therefore stay short. */
  const elementwise = (op: string, inputs: readonly Value[], request: NodeRequest = {}): Value => {
    const shape = broadcastShapes(inputs.map((value) => value.shape));
    const dtype = request.dtype ?? inputs[0].dtype;
    if (sizeOf(shape) === 0) return nothing(shape, dtype);
    const [name] = addNode(
      op,
      inputs.map((value) => value.name),
      1,
      request,
    );
    const stored = broadcastShapes(inputs.map((value) => value.stored));
    return { ...port(name, stored, dtype), shape };
  };

  /** The node that makes a value, if it is made in this graph and not an input or a constant. */
  const maker = (value: Value): GraphNode | undefined => makers.get(value.name);

  /** A value by its name, at the shape it is stored in. Inputs of a {@link maker} are looked up so. */
  const named = (name: string): Value | undefined => known.get(name);

  return {
    constant,
    splat,
    int64s,
    input: port,
    full,
    node,
    nodeMany,
    elementwise,
    maker,
    named,
    nodes: nodes as readonly GraphNode[],
    constants: constants as readonly GraphConstant[],
  };
}

/** Shapes that an operation cannot take together, at the caller's line: most operations of tfjs leave that to the backend. */
export function misfit(what: string, shapes: readonly (readonly number[])[], remedy: string): KdcError {
  return new KdcError({
    where: callSite(new Error().stack) ?? "compile",
    what: `${what} [${shapes.map((shape) => shape.join(", ")).join("] and [")}] do not fit`,
    remedy,
    reason: "shape",
  });
}

/**
 * The shape NumPy broadcasting gives.
 *
 * @throws KdcError (`shape`) where the shapes do not fit
 */
export function broadcastShapes(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const found = sizes.find((size) => size !== 1) ?? 1;
    if (sizes.every((size) => size === 1 || size === found)) return found;
    throw misfit("the shapes", shapes, "Counted from the last axis, sizes must be equal or 1: reshape one of them");
  });
}
