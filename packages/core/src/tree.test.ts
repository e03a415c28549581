import { describe, expect, it } from "vitest";
import { float32 } from "./host-tensor.js";
import { mapTree, treeLeaves } from "./tree.js";

const tree = { blocks: [{ weight: float32([2, 3]) }, { weight: float32([5]) }], bias: float32([7]), absent: undefined };

describe("trees", () => {
  it("lists leaves with dotted paths", () => {
    expect(treeLeaves(tree).map(([path, leaf]) => [path, leaf.shape])).toEqual([
      ["blocks.0.weight", [2, 3]],
      ["blocks.1.weight", [5]],
      ["bias", [7]],
    ]);
  });

  it("maps leaves and keeps the structure", () => {
    expect(mapTree(tree, (leaf, path) => `${path}:${leaf.shape.length}`)).toEqual({
      blocks: [{ weight: "blocks.0.weight:2" }, { weight: "blocks.1.weight:1" }],
      bias: "bias:1",
    });
  });

  it("refuses what is not a tensor", () => {
    // @ts-expect-error: nor does it compile
    expect(() => treeLeaves({ a: { b: 3 } })).toThrow("treeLeaves: a.b is number, not a tensor, record or list");
    // @ts-expect-error: nor does it compile
    expect(() => treeLeaves({ w: new Float32Array(0) })).toThrow("treeLeaves: w is Float32Array, not a tensor");
    // Entries of a map are no keys of it: it would be a tree without leaves.
    // @ts-expect-error: nor does it compile
    expect(() => treeLeaves(new Map([["w", { shape: [1] }]]))).toThrow("treeLeaves: the root is Map, not a tensor");
  });
});
