import {
  type FloatTensor,
  float32,
  type HostTensor,
  int32,
  KdcError,
  mapTree,
  sizeOf,
  type Tree,
  treeLeaves,
} from "@kdc-mae/core";
import type { Peers } from "./peers.js";

/** One leaf of all batches together, and which rows came from which batch. */
export type Joined = { readonly value: HostTensor; readonly rows: readonly number[] };

const refuse = (path: string, what: string): never => {
  throw new KdcError({
    where: "accumulated batches",
    what: `${path} ${what}`,
    remedy: "Give batches alike in everything but the number of clips, or accumulate gradients per batch",
    reason: "shape",
  });
};

const mean = (leaves: readonly HostTensor[], shares: readonly number[]): HostTensor =>
  float32([], Float32Array.of(leaves.reduce((sum, { data }, index) => sum + data[0] * shares[index], 0)));

const stacked = (path: string, leaves: readonly HostTensor[]): HostTensor => {
  const [{ dtype, shape: first }] = leaves;
  const rest = first.slice(1);
  for (const { shape } of leaves) {
    if (shape.slice(1).join() === rest.join() && shape.length === first.length) continue;
    refuse(path, `is [${shape.join(", ")}] in one batch and [${first.join(", ")}] in another`);
  }
  const shape = [leaves.reduce((rows, leaf) => rows + leaf.shape[0], 0), ...rest];
  const value = dtype === "float32" ? float32(shape) : int32(shape);
  let at = 0;
  for (const { data } of leaves) {
    value.data.set(data, at);
    at += data.length;
  }
  return value;
};

/** The parts that all processes made, alike but for their numbers, in the order of ranks. */
export async function gatherParts(
  peers: Peers,
  own: readonly Tree<HostTensor>[],
): Promise<readonly Tree<HostTensor>[]> {
  if (peers.size === 1) return own;
  const leaves = own.flatMap((tree) => treeLeaves(tree).map(([, leaf]) => leaf));
  const bytes = new Uint8Array(leaves.reduce((sum, { data }) => sum + data.byteLength, 0));
  let to = 0;
  for (const { data } of leaves) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), to);
    to += data.byteLength;
  }
  const gathered = await peers.allgather(bytes);
  const each = bytes.length / own.length;
  return gathered.flatMap((all) =>
    Array.from({ length: all.length / each }, (_, index) => {
      let from = index * each;
      return mapTree(own[0], ({ dtype, shape, data }: HostTensor) => {
        const part = all.slice(from, from + data.byteLength).buffer;
        from += data.byteLength;
        return dtype === "float32" ? float32(shape, new Float32Array(part)) : int32(shape, new Int32Array(part));
      });
    }),
  );
}

/** Puts the parts of several batches together: scalars to their mean over clips, all else one after another. */
export function joinParts(parts: readonly Tree<HostTensor>[], shares: readonly number[]): ReadonlyMap<string, Joined> {
  const each = parts.map((tree) => new Map(treeLeaves(tree)));
  return new Map(
    [...each[0].keys()].map((path) => {
      const leaves = each.map((tree) => tree.get(path) ?? refuse(path, "is missing in one batch"));
      if (leaves[0].shape.length > 0) {
        return [path, { value: stacked(path, leaves), rows: leaves.map(({ shape }) => shape[0]) }];
      }
      if (leaves[0].dtype !== "float32") refuse(path, "is a whole number, which has no mean");
      return [path, { value: mean(leaves, shares), rows: [] }];
    }),
  );
}

/** A tree like one of the parts, with the joined leaves. */
export const rebuild = (like: Tree<HostTensor>, joined: ReadonlyMap<string, Joined>): Tree<HostTensor> =>
  mapTree(like, (_: HostTensor, path) => joined.get(path)!.value);

/** The rows of batch `index` out of gradients to the joined parts, by path; of a mean's gradient, the batch's share. */
export function partOfBatch(
  gradients: Readonly<Record<string, FloatTensor>>,
  joined: ReadonlyMap<string, Joined>,
  index: number,
  share: number,
): Record<string, FloatTensor> {
  return Object.fromEntries(
    Object.entries(gradients).map(([path, { shape, data }]) => {
      const { rows } = joined.get(path)!;
      if (shape.length === 0) return [path, float32([], Float32Array.of(data[0] * share))];
      const size = sizeOf(shape.slice(1));
      const from = rows.slice(0, index).reduce((sum, count) => sum + count, 0);
      const part = data.slice(from * size, (from + rows[index]) * size);
      return [path, float32([rows[index], ...shape.slice(1)], part)];
    }),
  );
}
