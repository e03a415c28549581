import { axesOf, coalesce, countOf, type Layout } from "./layout.js";
import type { Draft, Finish, KernelText, Operand } from "./plan-node.js";

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

/** How a product is cut: what of the result a workgroup has, how far along the sum a round goes, and into how many pieces the sum is cut. */
type Cut = { readonly rows: number; readonly columns: number; readonly depth: number; readonly pieces: number };

/**
 * Says which part of which product a workgroup has: from `m0` and `n0` on, of the product `batch`, from `kStart` on along the
 * sum. `limit` is where the sum ends, if rounds reach beyond it.
 */
export function dealProduct(
  text: KernelText,
  [a, b]: Sides,
  { M, N, K, batches }: ProductSizes,
  { rows, columns, depth, pieces }: Cut,
): { readonly rounds: number; readonly limit?: number } & Pick<Draft, "workgroups" | "flops"> {
  const [tilesM, tilesN] = [Math.ceil(M / rows), Math.ceil(N / columns)];
  const each = Math.ceil(K / pieces / depth) * depth;
  text.line("let group = groupOf(group3);");
  text.line(`let n0 = (group % ${tilesN}u) * ${columns}u; let m0 = (group / ${tilesN}u % ${tilesM}u) * ${rows}u;`);
  text.line(`let stack = group / ${tilesN * tilesM}u; let batch = min(stack % ${batches}u, ${batches - 1}u);`);
  text.line(`let kStart = (stack / ${batches}u) * ${each}u;`);
  text.line(`let aBase = ${text.address(a.batch, "batch")} + ${a.operand.layout.offset}u;`);
  text.line(`let bBase = ${text.address(b.batch, "batch")} + ${b.operand.layout.offset}u;`);
  return {
    rounds: each / depth,
    limit: each * pieces === K ? undefined : K,
    workgroups: tilesM * tilesN * batches * pieces,
    flops: 2 * batches * M * N * K,
  };
}

/** Puts the number at `m` and `n` of the result, if it has one there. */
export const putNumber = (
  text: KernelText,
  { M, N, batches }: ProductSizes,
  pieces: number,
  value: string,
  finish: Finish,
): void =>
  text.block(`if (m < ${M}u && n < ${N}u && stack < ${batches * pieces}u)`, () => {
    text.line(`let at = (stack * ${M}u + m) * ${N}u + n;`);
    text.line(`let value = ${value};`);
    finish(text, "at", "value");
  });
