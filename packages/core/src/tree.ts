import { KdcError } from "./error.js";
import type { Shaped } from "./shape.js";

/**
 * A nested plain structure (records and lists) whose leaves have a shape: tensors, host tensors or shape specs.
 * Parameters, batches, gradients and reports are all trees.
 */
export type Tree<Leaf> = Leaf | { readonly [key: string]: Tree<Leaf> } | readonly Tree<Leaf>[];

const isLeaf = (node: unknown): node is Shaped =>
  typeof node === "object" && node !== null && "shape" in node && Array.isArray((node as Shaped).shape);

/** Every leaf with its dotted path (`blocks.0.attn.qkv.weight`), in insertion order. */
export function treeLeaves<Leaf extends Shaped>(tree: unknown, prefix = ""): [path: string, leaf: Leaf][] {
  if (isLeaf(tree)) return [[prefix, tree as Leaf]];
  if (typeof tree !== "object" || tree === null) {
    throw new KdcError({
      where: "treeLeaves",
      what: `${prefix || "the root"} is ${tree === null ? "null" : typeof tree}, not a tensor, record or list`,
      remedy: "Give trees of tensors only",
    });
  }
  const join = (key: string) => (prefix === "" ? key : `${prefix}.${key}`);
  return Object.entries(tree).flatMap(([key, child]) =>
    child === undefined ? [] : treeLeaves<Leaf>(child, join(key)),
  );
}

/** The same structure with every leaf replaced. */
export function mapTree<In extends Shaped, Out>(
  tree: unknown,
  replace: (leaf: In, path: string) => Out,
  prefix = "",
): unknown {
  if (isLeaf(tree)) return replace(tree as In, prefix);
  const join = (key: string | number) => (prefix === "" ? String(key) : `${prefix}.${key}`);
  if (Array.isArray(tree)) return tree.map((child, index) => mapTree(child, replace, join(index)));
  return Object.fromEntries(
    Object.entries(tree as Record<string, unknown>)
      .filter(([, child]) => child !== undefined)
      .map(([key, child]) => [key, mapTree(child, replace, join(key))]),
  );
}
