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
import { bytesOf, type Peers } from "./peers.js";

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

const meanOf = (values: ArrayLike<number>, shares: readonly number[]): HostTensor =>
  float32([], Float32Array.of(shares.reduce((sum, share, index) => sum + values[index] * share, 0)));

/** A leaf of each batch: whole numbers have rows, since they have no mean. */
function leavesAt(path: string, parts: readonly ReadonlyMap<string, HostTensor>[]): readonly HostTensor[] {
  const leaves = parts.map((leavesOf) => leavesOf.get(path) ?? refuse(path, "is missing in one batch"));
  const [{ shape, dtype }] = leaves;
  if (shape.length === 0 && dtype !== "float32") refuse(path, "is a whole number, which has no mean");
  return leaves;
}

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

/** Puts the parts of several batches together: scalars to their mean over clips, all else one after another. */
export function joinParts(parts: readonly Tree<HostTensor>[], shares: readonly number[]): ReadonlyMap<string, Joined> {
  const each = parts.map((tree) => new Map(treeLeaves(tree)));
  return new Map(
    [...each[0].keys()].map((path) => {
      const leaves = leavesAt(path, each);
      if (leaves[0].shape.length > 0) {
        return [path, { value: stacked(path, leaves), rows: leaves.map(({ shape }) => shape[0]) }];
      }
      const values = leaves.map(({ data }) => data[0]);
      return [path, { value: meanOf(values, shares), rows: [] }];
    }),
  );
}

/**
 * Puts together what all processes made, batches alike but for their numbers and those of a process one after another:
 * {@link joinParts} of all of them, in the order of ranks. Each leaf is gathered to where it will lie, and lies there
 * again in the next step: memory that is new each time costs more than its copy.
 */
export function partsAcross(
  peers: Peers,
): (own: readonly Tree<HostTensor>[], shares: readonly number[]) => Promise<ReadonlyMap<string, Joined>> {
  const places = new Map<string, HostTensor>();
  const gathered = async (path: string, mine: HostTensor, shape: readonly number[]): Promise<HostTensor> => {
    const key = `${path}[${shape.join()}]`;
    const place = places.get(key) ?? (mine.dtype === "float32" ? float32(shape) : int32(shape));
    places.set(key, place);
    await peers.allgather(bytesOf(mine.data), bytesOf(place.data));
    return place;
  };
  return async (own, shares) => {
    if (peers.size === 1) return joinParts(own, shares);
    const each = own.map((tree) => new Map(treeLeaves(tree)));
    const joined = new Map<string, Joined>();
    for (const path of each[0].keys()) {
      const leaves = leavesAt(path, each);
      const { shape } = leaves[0];
      if (shape.length === 0) {
        const mine = float32(
          [own.length],
          Float32Array.from(leaves, ({ data }) => data[0]),
        );
        const { data } = await gathered(path, mine, [shares.length]);
        joined.set(path, { value: meanOf(data, shares), rows: [] });
        continue;
      }
      const mine = own.length === 1 ? leaves[0] : stacked(path, leaves);
      if (mine.shape[0] !== own.length * shape[0]) refuse(path, "has more rows in one batch than in another");
      const value = await gathered(path, mine, [shares.length * shape[0], ...shape.slice(1)]);
      joined.set(path, { value, rows: shares.map(() => shape[0]) });
    }
    return joined;
  };
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
