import { type FloatTensor, float32, mapTree, type Tree, type TreeLike, treeLeaves } from "@kdc-mae/core";

/** Zeros of a tree's shapes. */
export const zerosLike = <T extends Tree<FloatTensor>>(tree: T): TreeLike<T, FloatTensor> =>
  mapTree(tree, ({ shape }: FloatTensor) => float32(shape));

/** A copy whose numbers may change without changing the tree's. */
export const copyOf = <T extends Tree<FloatTensor>>(tree: T): TreeLike<T, FloatTensor> =>
  mapTree(tree, ({ shape, data }: FloatTensor) => float32(shape, data.slice()));

/** mean ← mean + (next − mean) / count, in place: the arithmetic mean of the first `count` trees added. */
export function addToMean(mean: Tree<FloatTensor>, next: Tree<FloatTensor>, count: number): void {
  const others = treeLeaves(next);
  for (const [index, [, { data }]] of treeLeaves(mean).entries()) {
    const other = others[index][1].data;
    for (let i = 0; i < data.length; i++) data[i] += (other[i] - data[i]) / count;
  }
}
