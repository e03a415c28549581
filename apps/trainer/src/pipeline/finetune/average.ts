import { type FloatTensor, float32, mapTree, treeLeaves } from "@kdc-mae/core";

/** Zeros of a tree's shapes. */
export const zerosLike = <T>(tree: T): T => mapTree(tree, ({ shape }: FloatTensor) => float32(shape)) as T;

/** A copy whose numbers may change without changing the tree's. */
export const copyOf = <T>(tree: T): T =>
  mapTree(tree, ({ shape, data }: FloatTensor) => float32(shape, data.slice())) as T;

/** mean ← mean + (next − mean) / count, in place: the arithmetic mean of the first `count` trees added. */
export function addToMean(mean: unknown, next: unknown, count: number): void {
  const others = treeLeaves<FloatTensor>(next);
  for (const [index, [, { data }]] of treeLeaves<FloatTensor>(mean).entries()) {
    const other = others[index][1].data;
    for (let i = 0; i < data.length; i++) data[i] += (other[i] - data[i]) / count;
  }
}
