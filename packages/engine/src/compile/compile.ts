import { type HostTensor, mapTree, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type Program } from "../run/program.js";
import type { Execute } from "../run/runtime.js";
import { blank, type OpenSession, samplesIn } from "../run/session.js";
import type { GraphPort, OnnxGraph } from "./graph.js";
import type { KernelRules } from "./kernel-rule.js";
import { type ModelMetadata, onnxModel } from "./onnx-model.js";
import { type Trace, trace } from "./trace.js";

/** A program that can also be written as an `.onnx` file; its inputs and outputs are named by their dotted paths. */
export type CompiledProgram<I, O> = Program<I, O> & {
  readonly graph: OnnxGraph;
  /** The bytes of an `.onnx` file of this program. */
  readonly onnx: (metadata?: ModelMetadata) => Uint8Array;
};

/** Makes a program of a traced function, traced as it is or changed after (`bind`, `weightsInt8`, …). */
export async function programOf<I, O>(
  { graph, outputs, expectUnchanged }: Trace<I, O>,
  open: OpenSession,
): Promise<CompiledProgram<I, O>> {
  const session = await open(graph);
  return {
    graph,
    onnx: (metadata) => onnxModel(graph, metadata),
    run: async (inputs, into) => {
      expectUnchanged?.();
      const given = new Map(treeLeaves(asTree<HostTensor>(inputs)));
      const make = (port: GraphPort): HostTensor => blank(port, samplesIn(graph, given));
      const result = asTree<HostTensor>(into ?? mapTree(asTree<GraphPort>(outputs), make));
      const others = await session.run(given, new Map(treeLeaves(result)));
      if (others === undefined) return result as Hosted<O>;
      return mapTree(result, (leaf: HostTensor, path) => others.get(path) ?? leaf) as Hosted<O>;
    },
    dispose: () => session.dispose(),
  };
}

/**
 * Runs functions compiled on a runtime of your own: anything that makes a `Session` of a graph. `@kdc-mae/engine/node`
 * and `@kdc-mae/engine/web` give it for ONNX Runtime.
 *
 * @param rules kernel rules for these programs, before the table
 */
export function compiledOn(open: OpenSession, rules?: KernelRules): Execute {
  return (fn, example) => programOf(trace(fn, example, rules), open);
}
