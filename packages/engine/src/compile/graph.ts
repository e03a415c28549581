/** Element types a graph may hold. `int64` appears only in shapes and indices, never at the doors. */
export type ElementType = "float32" | "int32" | "int64" | "bool";

/** Element types a constant may be stored in; the last two only in graphs made smaller for export. */
export type StoredType = ElementType | "float16" | "int8";

/** Values of a constant: BigInt64Array for int64, Uint8Array (0 or 1) for bool, Uint16Array (bits) for float16. */
export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array | Int8Array;

/** An attribute of an ONNX operation: whole numbers as numbers, a floating-point one in a record. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One operation. An empty input name is an input left out. */
export type GraphNode = {
  readonly op: string;
  /** "" is the standard ONNX domain. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The line that asked for it (`file:line:column`), in traces that keep it. */
  readonly site?: string;
};

/** A constant of the graph: weights that were bound, or numbers the function itself made. */
export type GraphConstant = {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
};

/** An axis whose size is the number of samples in a batch, times a number. */
export type BatchAxis = { readonly axis: number; readonly times: number };

/** A door of the graph: `path` is the dotted path of the leaf in the caller's tree, `name` the name in the graph. */
export type GraphPort = {
  readonly path: string;
  readonly name: string;
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  /** Axes that follow the batch, in graphs traced for any batch size; `shape` then holds the traced size there. */
  readonly batch?: readonly BatchAxis[];
};

/** The shape of a port for a batch of a given size. */
export function shapeFor({ shape, batch = [] }: GraphPort, samples: number): readonly number[] {
  return shape.map((size, at) => {
    const follows = batch.find(({ axis }) => axis === at);
    return follows === undefined ? size : follows.times * samples;
  });
}

/** A traced function: plain data, ready to be written as ONNX. Nodes are in running order. */
export type OnnxGraph = {
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly GraphConstant[];
};
