import { type FloatTensor, type Tree, treeLeaves } from "@kdc-mae/core";
import { weightedSum } from "./double-kernel.js";

/**
 * Arrays that follow some of the parameters, as a moving-average teacher does: after every update
 * follower ← momentum · follower + (1 − momentum) · parameters. The loss finds them in its batch; they get no gradient.
 */
export type Follower = {
  /** Their key in the batch. */
  readonly name: string;
  /** Changed in place; brought up to date by `collect` where they lie on a device. */
  readonly tree: Tree<FloatTensor>;
  /** Where in the parameters what they follow stands, as a dotted path: each path in `tree` continues it. */
  readonly of: string;
  /** From 0 to 1. */
  readonly momentum: number;
};

/** The path of the parameter that a path of the follower's follows. */
export const followed = ({ of }: Follower, path: string): string => (of === "" ? path : `${of}.${path}`);

/** The batch as the loss sees it. */
export const withFollower = <Batch>(batch: Batch, follower: Follower | undefined, tree: unknown): Batch =>
  follower === undefined ? batch : { ...batch, [follower.name]: tree };

/** One update's following, in ordinary memory. */
export function follow(follower: Follower, params: Tree<FloatTensor>): void {
  const { tree, momentum } = follower;
  const sources = new Map(treeLeaves(params));
  for (const [path, { data }] of treeLeaves(tree)) {
    weightedSum(data, sources.get(followed(follower, path))!.data, momentum, 1 - momentum);
  }
}
