import { type HostTensor, KdcError, treeLeaves } from "@kdc-mae/core";
import { asTree, type Hosted, type Program } from "./program.js";

/** How far one output of two programs is apart. */
export type OutputDifference = {
  readonly path: string;
  /** ‖a − b‖ / max(‖b‖, tiny): the size of the difference against the size of the reference. */
  readonly relative: number;
  /** Largest difference of one number. */
  readonly largest: number;
};

const difference = (path: string, a: HostTensor, b: HostTensor): OutputDifference => {
  if (a.shape.join() !== b.shape.join()) {
    throw new KdcError({
      where: "comparePrograms",
      what: `the output ${path || "(root)"} has shape [${a.shape.join(", ")}] in one program and [${b.shape.join(", ")}] in the other`,
      remedy: "Compare programs of the same function and example",
      reason: "shape",
    });
  }
  let apart = 0;
  let size = 0;
  let largest = 0;
  for (let i = 0; i < b.data.length; i++) {
    const gap = a.data[i] === b.data[i] ? 0 : Math.abs(a.data[i] - b.data[i]);
    apart += gap * gap;
    size += b.data[i] * b.data[i];
    largest = Math.max(largest, gap);
    if (Number.isNaN(gap)) largest = Number.NaN;
  }
  return { path, relative: Math.sqrt(apart) / Math.max(Math.sqrt(size), 1e-30), largest };
};

/** Runs two programs on the same inputs and says, output by output, how far `a` is from the reference `b`. */
export async function comparePrograms<I, O>(
  a: Program<I, O>,
  b: Program<I, O>,
  inputs: Hosted<I>,
): Promise<readonly OutputDifference[]> {
  const [first, second] = [await a.run(inputs), await b.run(inputs)];
  const reference = new Map(treeLeaves(asTree<HostTensor>(second)));
  return treeLeaves(asTree<HostTensor>(first)).map(([path, value]) => {
    const other = reference.get(path);
    if (other === undefined) {
      throw new KdcError({
        where: "comparePrograms",
        what: `the output ${path} is missing in the reference`,
        remedy: "Compare programs of the same function",
        reason: "shape",
      });
    }
    return difference(path, value, other);
  });
}
