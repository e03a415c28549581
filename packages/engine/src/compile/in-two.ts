import { type HostTensor, mapTree, type Tree, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type ProgramInTwo, spec } from "../run/program.js";
import type { InTwo } from "../run/runtime.js";
import { blank, type OpenSessionInTwo, type Session } from "../run/session.js";
import { cut } from "./cut.js";
import type { GraphPort, OnnxGraph } from "./graph.js";
import type { KernelRules } from "./kernel-rule.js";
import { type Trace, trace } from "./trace.js";

/** Leaves of one branch of a tree, under the paths they have in all of it. */
const under = (branch: string, tree: unknown): ReadonlyMap<string, HostTensor> =>
  new Map(treeLeaves(asTree<HostTensor>({ [branch]: tree })));

const isUnder = (branch: string) => (path: string) => path === branch || path.startsWith(`${branch}.`);

/** Makes programs that run in two halves on a runtime of one's own. `change` is done to each half before it is opened. */
export function inTwoOn(
  open: OpenSessionInTwo,
  rules?: KernelRules,
  change: (graph: OnnxGraph) => OnnxGraph = (graph) => graph,
): InTwo {
  return {
    outputs: <I, O>(fn: (inputs: I) => O, example: Hosted<I>) =>
      mapTree(asTree<GraphPort>(trace(fn, example, rules).outputs), ({ shape, dtype }: GraphPort) =>
        spec(shape, dtype),
      ) as Hosted<O>,
    program: async <Early, Late, First, Second>(
      fn: (inputs: { readonly early: Early; readonly late: Late }) => {
        readonly first: First;
        readonly second: Second;
      },
      example: { readonly early: Hosted<Early>; readonly late: Hosted<Late> },
    ): Promise<ProgramInTwo<Early, Late, First, Second>> => {
      const traced: Trace<{ early: Early; late: Late }, { first: First; second: Second }> = trace(
        fn,
        example as unknown as Hosted<{ early: Early; late: Late }>,
        rules,
      );
      const { graph, outputs, values = new Map(), expectUnchanged } = traced;
      const halves = cut(graph, values, {
        isFirst: isUnder("first"),
        isLate: isUnder("late"),
      });
      const session = await open({ ...halves, first: change(halves.first), second: change(halves.second) });
      const ports = asTree<GraphPort>(outputs) as { readonly first: Tree<GraphPort>; readonly second: Tree<GraphPort> };
      const run = async <O>(
        half: "first" | "second",
        compute: Session["run"],
        inputs: ReadonlyMap<string, HostTensor>,
        into?: Hosted<O>,
      ): Promise<Hosted<O>> => {
        expectUnchanged?.();
        const result = asTree<HostTensor>(into ?? mapTree(ports[half], (port: GraphPort) => blank(port)));
        const others = await compute(inputs, under(half, result));
        if (others === undefined) return result as Hosted<O>;
        return mapTree(
          result,
          (leaf: HostTensor, path) => others.get(path === "" ? half : `${half}.${path}`) ?? leaf,
        ) as Hosted<O>;
      };
      return {
        first: (early, into) => run<First>("first", session.first, under("early", early), into),
        second: (late, into) => run<Second>("second", session.second, under("late", late), into),
        dispose: session.dispose,
      };
    },
  };
}
