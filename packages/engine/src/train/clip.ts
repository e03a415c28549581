import { type FloatTensor, type Tree, treeLeaves } from "@kdc-mae/core";

/** Length of all gradients taken as one vector (L2). */
export function globalNorm(gradients: Tree<FloatTensor>): number {
  let sum = 0;
  for (const [, { data }] of treeLeaves(gradients)) {
    let part = 0;
    for (let i = 0; i < data.length; i++) part += data[i] * data[i];
    sum += part;
  }
  return Math.sqrt(sum);
}

/** What gradients of length `norm` must be multiplied by to be no longer than `limit`, as `clip_grad_norm_` in PyTorch. */
export function clipScale(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
