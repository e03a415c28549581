import { float32, type HostTensor, int32, mapTree, treeLeaves } from "@kdc-mae/core";
import type { Hosted, Program } from "../run/program.js";
import { createSession, type SessionOptions, samplesIn } from "../run/session.js";
import { type GraphPort, type OnnxGraph, shapeFor } from "./graph.js";
import type { KernelRules } from "./kernel-rule.js";
import { type ModelMetadata, onnxModel } from "./onnx-model.js";
import { type Trace, trace } from "./trace.js";

export type CompileOptions = SessionOptions & {
  /** Kernel rules for this program, before the table. */
  readonly rules?: KernelRules;
};

/** A program that can also be written as an `.onnx` file; its inputs and outputs are named by their dotted paths. */
export type CompiledProgram<I, O> = Program<I, O> & {
  readonly graph: OnnxGraph;
  readonly onnx: (metadata?: ModelMetadata) => Uint8Array;
};

/** A zeroed host tensor for a port and a number of samples. */
const allocate = (port: GraphPort, samples: number): HostTensor => {
  const shape = shapeFor(port, samples);
  return port.dtype === "float32" ? float32(shape) : int32(shape);
};

/** Makes a program of a traced function, traced as it is or changed after (`bind`, `weightsInt8`, …). */
export async function createProgram<I, O>(
  { graph, outputs }: Trace<I, O>,
  options: SessionOptions = {},
): Promise<CompiledProgram<I, O>> {
  const session = await createSession(graph, options);
  return {
    graph,
    onnx: (metadata) => onnxModel(graph, metadata),
    run: async (inputs, into) => {
      const given = new Map(treeLeaves<HostTensor>(inputs));
      const result = into ?? mapTree(outputs, (port: GraphPort) => allocate(port, samplesIn(graph, given)));
      await session.run(given, new Map(treeLeaves<HostTensor>(result)));
      return result as Hosted<O>;
    },
    dispose: () => session.dispose(),
  };
}

/**
 * Compiles a tfjs function, gradients included, to one ONNX Runtime session.
 * Truth values leave a program as int32 zeros and ones.
 *
 * @param fn any synchronous tfjs function from a tree of tensors to a tree of tensors
 * @param example a tree shaped like the inputs; values are not read
 * @throws KdcError as `trace` does, and when the device is missing
 */
export async function compile<I, O>(
  fn: (inputs: I) => O,
  example: Hosted<I>,
  options: CompileOptions = {},
): Promise<CompiledProgram<I, O>> {
  return createProgram(trace(fn, example, options.rules), options);
}
