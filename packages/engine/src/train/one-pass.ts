import { type FloatTensor, type HostTensor, mapTree, type Tree, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type ProgramInTwo, spec } from "../run/program.js";
import { shapesOf } from "../run/runner.js";
import type { InTwo } from "../run/runtime.js";
import type { Gradients } from "./gradient.js";
import { type Along, type LossInParts, type WholeInMemory, wholeWithGradients } from "./loss-in-parts.js";

type Given<Params, Batch> = { readonly params: Params; readonly batch: Batch };

/** Forward and backward runs of a batch, with the loss of all batches between them. */
export type OnePass<Params, Batch> = {
  readonly forward: (given: Given<Hosted<Params>, Hosted<Batch>>, batches: number) => Promise<Tree<HostTensor>>;
  /** Gradients to the parameters of the batch that was run forward last. */
  readonly backward: (along: Readonly<Record<string, FloatTensor>>) => Promise<Tree<FloatTensor>>;
  readonly dispose: () => Promise<void>;
};

/**
 * A batch's part and, once the gradient of the whole to it is known, its gradients, from one forward run: what that
 * computed stays where it is until the gradient comes. Takes the memory of a plain step, with that of the gradients on top.
 *
 * @param gradient of a part's product with a gradient to it
 */
export function createOnePass<Params, Batch, Parts>(
  { outputs, program: make }: InTwo,
  { part, whole }: LossInParts<Params, Batch, Parts>,
  gradient: (inputs: Given<Params, { readonly batch: Batch; readonly along: Along }>) => Gradients<Params>,
): OnePass<Params, Batch> {
  type Program = ProgramInTwo<Given<Params, Batch>, { readonly along: Along }, Parts, Params>;
  type Made = { readonly program: Program; first?: Hosted<Parts>; second?: Hosted<Params> };
  const programs = new Map<string, Promise<Made>>();
  let last: Made | undefined;

  /** Gradients that the whole will give to the parts of a batch, without values. */
  const alongOf = (early: Hosted<Given<Params, Batch>>, batches: number): Hosted<Along> => {
    const parts = asTree<HostTensor>(outputs(({ params, batch }: Given<Params, Batch>) => part(params, batch), early));
    const joined = mapTree(parts, ({ shape: [rows, ...rest], dtype }: HostTensor) =>
      spec(rows === undefined ? [] : [rows * batches, ...rest], dtype),
    );
    const { params } = early as unknown as Given<Hosted<Params>, unknown>;
    const together = { params, parts: joined } as unknown as Hosted<{ readonly params: Params; readonly parts: Parts }>;
    const { toParts } = outputs(wholeWithGradients<Params, Parts>(whole), together) as WholeInMemory;
    return Object.fromEntries(treeLeaves(parts).filter(([path]) => toParts[path] !== undefined)) as Hosted<Along>;
  };

  const build = async (early: Hosted<Given<Params, Batch>>, batches: number): Promise<Made> => {
    const late = { along: alongOf(early, batches) } as Hosted<{ readonly along: Along }>;
    // Equal operations are recorded once, so the part is computed once.
    const program = await make(
      ({ early: { params, batch }, late: { along } }: { early: Given<Params, Batch>; late: { along: Along } }) => ({
        first: part(params, batch),
        second: gradient({ params, batch: { batch, along } }).gradients,
      }),
      { early, late },
    );
    return { program };
  };

  return {
    forward: async (given, batches) => {
      const early = given as unknown as Hosted<Given<Params, Batch>>;
      const key = `${batches} ${shapesOf(given.batch)}`;
      const made = programs.get(key) ?? build(early, batches);
      programs.set(key, made);
      last = await made;
      last.first = await last.program.first(early, last.first);
      return asTree<HostTensor>(last.first);
    },
    backward: async (along) => {
      if (last === undefined) throw new Error("no batch has been run forward");
      last.second = await last.program.second({ along } as Hosted<{ readonly along: Along }>, last.second);
      return asTree<FloatTensor>(last.second);
    },
    dispose: async () => {
      for (const made of programs.values()) await (await made).program.dispose();
      programs.clear();
      last = undefined;
    },
  };
}
