import {
  bytesField,
  floatField,
  integerField,
  message,
  messageBytes,
  textField,
  type WireBytes,
} from "@kdc-mae/core/protobuf";
import type { Attribute, GraphConstant, GraphNode, GraphPort, OnnxGraph, StoredType } from "./graph.js";

/** TensorProto.DataType */
const dataTypes: Readonly<Record<StoredType, number>> = {
  float32: 1,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, integer: 2, text: 3, integers: 7 } as const;

const irVersion = 10;
/** Opset 20 is the first with a standard Gelu. */
const opset = 20;

const attributeMessage = (name: string, value: Attribute): WireBytes => {
  if (typeof value === "number") {
    return message(textField(1, name), integerField(3, value), integerField(20, attributeTypes.integer));
  }
  if (typeof value === "string") {
    return message(textField(1, name), textField(4, value), integerField(20, attributeTypes.text));
  }
  if ("float" in value) {
    return message(textField(1, name), floatField(2, value.float), integerField(20, attributeTypes.float));
  }
  return message(
    textField(1, name),
    ...value.map((item) => integerField(8, item)),
    integerField(20, attributeTypes.integers),
  );
};

const nodeMessage = (node: GraphNode): WireBytes =>
  message(
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    // ONNX Runtime's profiles and errors speak of nodes by name.
    textField(3, node.outputs[0]),
    textField(4, node.op),
    ...Object.entries(node.attributes).map(([name, value]) => bytesField(5, attributeMessage(name, value))),
    ...(node.domain === "" ? [] : [textField(7, node.domain)]),
  );

const constantMessage = ({ name, dtype, shape, data }: GraphConstant): WireBytes =>
  message(
    ...shape.map((size) => integerField(1, size)),
    integerField(2, dataTypes[dtype]),
    textField(8, name),
    bytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );

const portMessage = ({ name, dtype, shape, batch = [] }: GraphPort): WireBytes => {
  const sizes = message(
    ...shape.map((size, at) => {
      const follows = batch.find(({ axis }) => axis === at);
      if (follows === undefined) return bytesField(1, integerField(1, size));
      return bytesField(1, textField(2, follows.times === 1 ? "batch" : `${follows.times}*batch`));
    }),
  );
  const tensorType = message(integerField(1, dataTypes[dtype]), bytesField(2, sizes));
  return message(textField(1, name), bytesField(2, bytesField(1, tensorType)));
};

/** An output that is a list of tensors. */
const listPortMessage = (name: string): WireBytes => {
  const tensorType = message(integerField(1, dataTypes.float32));
  return message(textField(1, name), bytesField(2, bytesField(4, bytesField(1, bytesField(1, tensorType)))));
};

/** An output that no graph of ours has, a list with one number in it, put before all others. */
export const listOutput = "%list";

const listNode: GraphNode = {
  op: "SequenceConstruct",
  domain: "",
  inputs: [`${listOutput}.item`],
  outputs: [listOutput],
  attributes: {},
};

const listItem: GraphConstant = { name: `${listOutput}.item`, dtype: "float32", shape: [], data: new Float32Array(1) };

/** Texts by key, kept in the file beside the graph. */
export type ModelMetadata = Readonly<Record<string, string>>;

const modelMessage = (graph: OnnxGraph, firstOutputs: readonly WireBytes[], metadata: ModelMetadata): WireBytes => {
  const graphMessage = message(
    ...graph.nodes.map((node) => bytesField(1, nodeMessage(node))),
    textField(2, "kdc-mae"),
    ...graph.constants.map((constant) => bytesField(5, constantMessage(constant))),
    ...graph.inputs.map((port) => bytesField(11, portMessage(port))),
    ...firstOutputs.map((output) => bytesField(12, output)),
    ...graph.outputs.map((port) => bytesField(12, portMessage(port))),
  );
  const domains = [...new Set(graph.nodes.map((node) => node.domain).filter((domain) => domain !== ""))];
  return message(
    integerField(1, irVersion),
    textField(2, "kdc-mae"),
    bytesField(7, graphMessage),
    bytesField(8, integerField(2, opset)),
    ...domains.map((domain) => bytesField(8, message(textField(1, domain), integerField(2, 1)))),
    ...Object.entries(metadata).map(([key, value]) => bytesField(14, message(textField(1, key), textField(2, value)))),
  );
};

/**
 * The graph as the bytes of an `.onnx` file (ONNX IR version 10, opset 20), with metadata of the caller's choice.
 *
 * @example
 * ```ts
 * import { onnxModel, spec, trace } from "@kdc-mae/engine";
 * import { relu, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const bytes = onnxModel(trace((x: Tensor1D) => relu(x), spec([3])).graph); // a file's
 * ```
 */
export function onnxModel(graph: OnnxGraph, metadata: ModelMetadata = {}): Uint8Array {
  return messageBytes(modelMessage(graph, [], metadata));
}

/** The same with {@link listOutput} before all other outputs. */
export function onnxModelWithList(graph: OnnxGraph): Uint8Array {
  const longer = { ...graph, nodes: [...graph.nodes, listNode], constants: [...graph.constants, listItem] };
  return messageBytes(modelMessage(longer, [listPortMessage(listOutput)], {}));
}
