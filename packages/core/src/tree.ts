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
  const leaves: [string, Leaf][] = [];
  collect(tree, prefix, leaves);
  return leaves;
}

/** Into one list and not list by list: a training step lists its parameters several times. */
function collect<Leaf extends Shaped>(tree: unknown, path: string, leaves: [string, Leaf][]): void {
  if (isLeaf(tree)) {
    leaves.push([path, tree as Leaf]);
    return;
  }
  if (typeof tree !== "object" || tree === null) {
    throw new KdcError({
      where: "treeLeaves",
      what: `${path || "the root"} is ${tree === null ? "null" : typeof tree}, not a tensor, record or list`,
      remedy: "Give trees of tensors only",
    });
  }
  for (const key of Object.keys(tree)) {
    const child = (tree as Readonly<Record<string, unknown>>)[key];
    if (child !== undefined) collect(child, path === "" ? key : `${path}.${key}`, leaves);
  }
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
