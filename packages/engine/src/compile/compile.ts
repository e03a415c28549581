import { type HostTensor, mapTree, sizeOf, treeLeaves } from "@kdc-mae/core";
import type { Hosted, Program } from "../run/program.js";
import { createSession, type SessionOptions } from "../run/session.js";
import type { GraphPort, OnnxGraph } from "./graph.js";
import type { KernelRules } from "./kernel-rule.js";
import { onnxModel } from "./onnx-model.js";
import { trace } from "./trace.js";

export type CompileOptions = SessionOptions & {
  /** Kernel rules for this program, before the table. */
  readonly rules?: KernelRules;
};

/** A program that can also be written as an `.onnx` file; its inputs and outputs are named by their dotted paths. */
export type CompiledProgram<I, O> = Program<I, O> & {
  readonly graph: OnnxGraph;
  readonly onnx: () => Uint8Array;
};

/** A zeroed host tensor for a port. */
const allocate = ({ dtype, shape }: GraphPort): HostTensor =>
  dtype === "float32"
    ? { dtype, shape, data: new Float32Array(sizeOf(shape)) }
    : { dtype, shape, data: new Int32Array(sizeOf(shape)) };

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
  const { graph, outputs } = trace(fn, example, options.rules);
  const session = await createSession(graph, options);
  return {
    graph,
    onnx: () => onnxModel(graph),
    run: async (inputs, into) => {
      const result = into ?? (mapTree(outputs, allocate) as Hosted<O>);
      await session.run(new Map(treeLeaves<HostTensor>(inputs)), new Map(treeLeaves<HostTensor>(result)));
      return result;
    },
    dispose: () => session.dispose(),
  };
}
