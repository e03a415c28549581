import type { PatchGrid } from "@kdc-mae/core";
import { add, matMul, reshape, type Tensor, type Tensor2D, type Tensor3D, tensor } from "@tensorflow/tfjs-core";
import { linear } from "./nn/linear.js";
import { sineCosinePositions } from "./nn/positions.js";
import type { Branch } from "./params.js";
import { oneHotPositions } from "./place.js";

/** The learned positions, or the fixed table where there are none: `[1, N, D]`. */
export function positionTable(learned: Tensor | undefined, grid: PatchGrid, dim: number): Tensor {
  if (learned !== undefined) return learned;
  const fixed = sineCosinePositions(grid, dim);
  return tensor(fixed.data, [...fixed.shape]);
}

const table = (params: Branch<Tensor>, grid: PatchGrid): Tensor =>
  positionTable(params.positions, grid, params.patch.weight.shape[0]);

/** Tokens of every patch: `[B, N, P]` → `[B, N, D]`. */
export const embedPatches = (params: Branch<Tensor>, grid: PatchGrid, patches: Tensor3D): Tensor3D =>
  add(add(linear(params.patch, patches), table(params, grid)), params.modality);

/**
 * Tokens of some patches only; raw patches are picked before they are embedded, so hidden ones cost nothing.
 *
 * @param patches `[B, N, P]`
 * @param visible `[B, K]` int32
 * @returns `[B, K, D]`
 */
export function embedVisible(params: Branch<Tensor>, grid: PatchGrid, patches: Tensor3D, visible: Tensor2D): Tensor3D {
  const [B, N] = patches.shape;
  const K = visible.shape[1];
  const seats = oneHotPositions(visible, N);
  const tokens = linear(params.patch, matMul(seats, patches) as Tensor3D);
  const [, , D] = tokens.shape;
  const where = matMul(reshape(seats, [B * K, N]), reshape(table(params, grid), [N, D]));
  return add(add(tokens, reshape(where, [B, K, D])), params.modality);
}
