import { axesOf, coalesce, countOf, type Layout } from "./layout.js";
import type { Operand } from "./plan-node.js";

/** a [batch.., M, K] and b [batch.., K, N] as operands with one batch shape. */
export type Product = { readonly a: Operand; readonly b: Operand };

/** One operand of a product. */
export type Side = {
  readonly operand: Operand;
  readonly batch: Layout;
  /** The axis of the result. */
  readonly outer: Layout;
  /** The axis summed over. */
  readonly inner: Layout;
  readonly name: "a" | "b";
};
export type Sides = readonly [a: Side, b: Side];

export type ProductSizes = {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly batches: number;
};

const smallest = (layout: Layout): number => coalesce(layout.axes.flat()).at(-1)?.stride ?? 1e9;

/** Where the summed axis lies side by side, neighbouring threads take it; else they take the result's. */
export const innerFirst = ({ outer, inner }: Side): boolean => Math.abs(smallest(inner)) <= Math.abs(smallest(outer));

/** Both operands by their axes, and the product's sizes. */
export function sidesOf({ a, b }: Product): { readonly sides: Sides; readonly sizes: ProductSizes } {
  const rank = a.layout.axes.length;
  const lead = Array.from({ length: rank - 2 }, (_, axis) => axis);
  const side = (name: "a" | "b", operand: Operand, outer: number, inner: number): Side => ({
    ...{ name, operand, batch: axesOf(operand.layout, lead) },
    ...{ outer: axesOf(operand.layout, [outer]), inner: axesOf(operand.layout, [inner]) },
  });
  const sides: Sides = [side("a", a, rank - 2, rank - 1), side("b", b, rank - 1, rank - 2)];
  const [M, N, K] = [sides[0].outer, sides[1].outer, sides[0].inner].map(countOf);
  return { sides, sizes: { M, N, K, batches: countOf(sides[0].batch) } };
}
