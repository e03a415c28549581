import { KdcError } from "@kdc-mae/core";
import {
  bind,
  type Hosted,
  type OnnxGraph,
  onnxModel,
  type Trace,
  traceAnyBatch,
  weightsFloat16,
  weightsInt8,
} from "@kdc-mae/engine";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type GraphInputs, type GraphName, type GraphSettings, graphs } from "./graphs.js";
import { type Dtype, graphMetadata } from "./metadata.js";
import type { ExportSource } from "./source.js";

/** A traced graph of any of the kinds. */
export type GraphTrace = Trace<{ readonly [input: string]: Tensor }, Readonly<Record<string, Tensor>>>;

/** Smaller weights stay as they are: they make up little of a file. */
const LEAST = 1024;

const shrink: Readonly<Record<Dtype, <I, O>(trace: Trace<I, O>) => Trace<I, O>>> = {
  float32: (trace) => trace,
  float16: (trace) => weightsFloat16(trace, LEAST),
  // The head is little of a file, and all that it loses goes into the logits.
  int8: (trace) => weightsInt8(trace, LEAST, (path) => path.startsWith("params.head.")),
};

/** Graphs a trained file has the parameters for. */
export const possibleGraphs = ({ params }: ExportSource): readonly GraphName[] =>
  (Object.keys(graphs) as GraphName[]).filter((name) => {
    if (name === "classifier") return "head" in params;
    return name === "inpainting" ? "decoder" in params : true;
  });

/** @throws KdcError (`wrong-model`) for a graph that the model has no parameters for */
export function expectPossible(name: GraphName, source: ExportSource): void {
  if (possibleGraphs(source).includes(name)) return;
  const has = name === "classifier" ? "no classification head" : "no decoder";
  throw new KdcError({
    where: `export ${name}`,
    what: `the model has ${has}`,
    remedy: name === "classifier" ? "Export a model that finetune wrote" : "Export a model that pretrain wrote",
    reason: "wrong-model",
  });
}

/** The graph as it leaves training: float32, parameters as constants, any number of clips. */
export function traceGraph(name: GraphName, source: ExportSource, settings: GraphSettings): GraphTrace {
  expectPossible(name, source);
  const plan = graphs[name](source.config, settings);
  const { params } = source;
  const exampleOf = (samples: number) => ({ params, ...plan.inputs(samples) }) as Hosted<GraphInputs>;
  return bind(traceAnyBatch(plan.fn, exampleOf), "params", params);
}

/** A graph ready to be written. */
export type MadeGraph = { readonly trace: GraphTrace; readonly graph: OnnxGraph; readonly bytes: Uint8Array };

/** Makes one `.onnx` file of a trained model. */
export function makeGraph(name: GraphName, dtype: Dtype, source: ExportSource, settings: GraphSettings): MadeGraph {
  const trace = shrink[dtype](traceGraph(name, source, settings));
  return { trace, graph: trace.graph, bytes: onnxModel(trace.graph, graphMetadata(name, dtype, source, settings)) };
}
