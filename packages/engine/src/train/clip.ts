import { type FloatTensor, type Tree, treeLeaves } from "@kdc-mae/core";
import { sumOfSquares } from "./double-kernel.js";

/**
 * Length of all gradients taken as one vector (L2).
 *
 * @throws KdcError (reason `runtime`) where there is no 128-bit WebAssembly
 */
export function globalNorm(gradients: Tree<FloatTensor>): number {
  return Math.sqrt(treeLeaves(gradients).reduce((sum, [, { data }]) => sum + sumOfSquares(data), 0));
}

/** What gradients of length `norm` must be multiplied by to be no longer than `limit`, as `clip_grad_norm_` in PyTorch. */
export function clipScale(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
