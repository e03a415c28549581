import { KdcError } from "./error.js";
import type { Shaped } from "./shape.js";

/**
 * A nested plain structure (records and lists) whose leaves have a shape: tensors, host tensors or shape specs.
 * Parameters, batches, gradients and reports are all trees.
 */
export type Tree<Leaf> = Leaf | { readonly [key: string]: Tree<Leaf> | undefined } | readonly Tree<Leaf>[];

/** A tree built like `T`, with `Leaf` wherever `T` has something with a shape. */
export type TreeLike<T, Leaf> = T extends Shaped
  ? Leaf
  : T extends readonly (infer Item)[]
    ? readonly TreeLike<Item, Leaf>[]
    : T extends object
      ? { readonly [Key in keyof T]: TreeLike<T[Key], Leaf> }
      : T;

const isLeaf = (node: unknown): node is Shaped =>
  typeof node === "object" && node !== null && "shape" in node && Array.isArray((node as Shaped).shape);

/**
 * Every leaf with its dotted path (`blocks.0.attn.qkv.weight`), in insertion order. Keys without a value are left out.
 *
 * @param prefix put before every path
 * @throws KdcError naming the path of anything that is neither a leaf, a record nor a list
 *
 * @example
 * ```ts
 * import { float32, treeLeaves } from "@kdc-mae/core";
 *
 * treeLeaves({ head: { weight: float32([2]) } }).map(([path]) => path); // ["head.weight"]
 * ```
 */
export function treeLeaves<Leaf extends Shaped>(tree: Tree<Leaf>, prefix = ""): [path: string, leaf: Leaf][] {
  const leaves: [string, Leaf][] = [];
  collect(tree, prefix, leaves);
  return leaves;
}

/** Into one list and not list by list: a training step lists its parameters several times. */
function collect<Leaf extends Shaped>(tree: Tree<Leaf>, path: string, leaves: [string, Leaf][]): void {
  if (isLeaf(tree)) {
    leaves.push([path, tree as Leaf]);
    return;
  }
  if (typeof tree !== "object" || tree === null || ArrayBuffer.isView(tree) || tree instanceof Map) {
    const kind = tree === null ? "null" : typeof tree === "object" ? tree.constructor.name : typeof tree;
    throw new KdcError({
      where: "treeLeaves",
      what: `${path || "the root"} is ${kind}, not a tensor, record or list`,
      remedy: "Give trees of tensors only, such as float32(shape, data) makes",
    });
  }
  for (const [key, child] of Object.entries(tree as Readonly<Record<string, Tree<Leaf> | undefined>>)) {
    if (child !== undefined) collect(child, path === "" ? key : `${path}.${key}`, leaves);
  }
}

/**
 * The same structure with every leaf replaced. Keys without a value are left out.
 *
 * @param replace given a leaf and its dotted path
 *
 * @example
 * ```ts
 * import { type FloatTensor, float32, mapTree } from "@kdc-mae/core";
 *
 * const params = { head: { weight: float32([2]), bias: float32([1]) } };
 * const zeros = mapTree(params, ({ shape }: FloatTensor) => float32(shape)); // { head: { weight, bias } }
 * ```
 */
export function mapTree<T extends Tree<Leaf>, Leaf extends Shaped, Out>(
  tree: T,
  replace: (leaf: Leaf, path: string) => Out,
): TreeLike<T, Out> {
  // That structure and type go together is what this function is for; TypeScript cannot follow it.
  return mapped<Leaf, Out>(tree, replace, "") as TreeLike<T, Out>;
}

function mapped<Leaf extends Shaped, Out>(
  tree: Tree<Leaf>,
  replace: (leaf: Leaf, path: string) => Out,
  path: string,
): Tree<Out> {
  if (isLeaf(tree)) return replace(tree as Leaf, path);
  const join = (key: string | number) => (path === "" ? String(key) : `${path}.${key}`);
  if (Array.isArray(tree)) return tree.map((child, index) => mapped(child, replace, join(index)));
  return Object.fromEntries(
    Object.entries(tree as Readonly<Record<string, Tree<Leaf> | undefined>>).flatMap(([key, child]) =>
      child === undefined ? [] : [[key, mapped(child, replace, join(key))]],
    ),
  );
}
