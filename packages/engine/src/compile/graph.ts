/** Element types a graph may hold. `int64` appears only in shapes and indices, never at the doors. */
export type ElementType = "float32" | "int32" | "int64" | "bool";

/** Values of a constant: BigInt64Array for int64, Uint8Array (0 or 1) for bool. */
export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One operation. An empty input name is an input left out. */
export type GraphNode = {
  readonly op: string;
  /** "" is the standard ONNX domain. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
};

export type GraphConstant = {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
};

/** A door of the graph: `path` is the dotted path of the leaf in the caller's tree, `name` the name in the graph. */
export type GraphPort = {
  readonly path: string;
  readonly name: string;
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
};

/** A traced function: plain data, ready to be written as ONNX. Nodes are in running order. */
export type OnnxGraph = {
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly GraphConstant[];
};
