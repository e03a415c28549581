import { type FloatTensor, type HostTensor, hostTensorFault, KdcError, type Tree, type TreeLike } from "@kdc-mae/core";

/** A tree of tensors with every tensor in ordinary memory. */
export type Hosted<T> = TreeLike<T, HostTensor>;

/** Parameters in ordinary memory: float32, all of them. */
export type HostedParams<T> = TreeLike<T, FloatTensor>;

/** A tree whose type is a parameter, as the tree that it is: TypeScript cannot see it while it does not know the type. */
export const asTree = <Leaf>(tree: unknown): Tree<Leaf> => tree as Tree<Leaf>;

/**
 * @throws KdcError (`shape`) for a leaf that is no host tensor: one of tfjs, a list, an array of another type or length
 */
export function expectHosted(where: string, path: string, leaf: HostTensor): void {
  const fault = hostTensorFault(leaf);
  if (fault === undefined) return;
  const data = typeof leaf.data === "function" ? "await tensor.data()" : "data";
  throw new KdcError({
    where,
    what: `${path || "the input"} ${fault}`,
    remedy: `Make it with ${leaf.dtype === "int32" ? "int32" : "float32"}(shape, ${data}) of @kdc-mae/core`,
    reason: "shape",
  });
}

/** What a function gave, if it gave it at once: a promise would be taken for a tree without leaves. */
export function atOnce<Result>(result: Result): Result {
  if (!(result instanceof Promise)) return result;
  result.catch(() => undefined);
  throw new KdcError({
    where: "compile",
    what: "the function to compile returned a promise",
    remedy: "Compile a function that returns its tensors at once; await outside of it",
    reason: "async",
  });
}

/** A function of tensors made ready to run on host tensors, again and again. */
export type Program<I, O> = {
  /**
   * Computes once.
   *
   * @param inputs a tree like the example, same shapes
   * @param into a result of an earlier run to write into instead of making new arrays; use what is returned, since a
   * program that computes elsewhere gives its arrays up for others
   */
  readonly run: (inputs: Hosted<I>, into?: Hosted<O>) => Promise<Hosted<O>>;
  /** Gives back what it holds; it cannot be run again. */
  readonly dispose: () => Promise<void>;
};

/** A leaf of an example without values: enough to compile with. */
export function spec(shape: readonly number[], dtype: "float32" | "int32" = "float32"): HostTensor {
  return dtype === "float32" ? { dtype, shape, data: new Float32Array() } : { dtype, shape, data: new Int32Array() };
}

/** A function made ready to run in two halves, between which something may happen that the second depends on. */
export type ProgramInTwo<Early, Late, First, Second> = {
  /** Computes what is wanted first. The inputs are to stay as they are until the second half has run. */
  readonly first: (early: Hosted<Early>, into?: Hosted<First>) => Promise<Hosted<First>>;
  /** Computes the rest, from what the first half left. */
  readonly second: (late: Hosted<Late>, into?: Hosted<Second>) => Promise<Hosted<Second>>;
  /** Gives back what it holds; it cannot be run again. */
  readonly dispose: () => Promise<void>;
};
