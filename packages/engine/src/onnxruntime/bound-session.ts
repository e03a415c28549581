import type { HostTensor } from "@kdc-mae/core";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import type { GraphPort, OnnxGraph } from "../compile/graph.js";
import { fitting, type Session, samplesIn } from "../run/session.js";

type Values = Readonly<Record<string, Tensor>>;

/** Runs a session on tensors that stand on our arrays; results are to be in `results` when it ends. */
export type RunBound = (session: InferenceSession, inputs: Values, results: Values) => Promise<void>;

type Slot = { data: HostTensor["data"]; tensor: Tensor };

/** Tensors are made once per array and port, not once per run. */
const createBinder = (port: GraphPort, make: TensorConstructor) => {
  let slot: Slot | undefined;
  return (value: HostTensor): Tensor => {
    if (slot?.data === value.data && slot.tensor.dims[0] === value.shape[0]) return slot.tensor;
    slot = { data: value.data, tensor: new make(port.dtype, value.data as Float32Array, value.shape) };
    return slot.tensor;
  };
};

/** An ONNX Runtime session, native or WebAssembly, bound to host memory. */
export function boundSession(
  graph: Pick<OnnxGraph, "inputs" | "outputs">,
  session: InferenceSession,
  make: TensorConstructor,
  run: RunBound,
  dispose: () => Promise<void>,
): Session {
  const inputs = graph.inputs.map((port) => ({ port, bind: createBinder(port, make) }));
  const outputs = graph.outputs.map((port) => ({ port, bind: createBinder(port, make) }));
  return {
    run: async (given, wanted) => {
      const samples = samplesIn(graph, given);
      const feeds: Record<string, Tensor> = {};
      for (const { port, bind } of inputs) {
        feeds[port.name] = bind(fitting("input", port, samples, given.get(port.path)));
      }
      const results: Record<string, Tensor> = {};
      for (const { port, bind } of outputs) {
        results[port.name] = bind(fitting("output", port, samples, wanted.get(port.path)));
      }
      await run(session, feeds, results);
      return undefined;
    },
    dispose,
  };
}
