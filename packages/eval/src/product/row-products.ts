import { KdcError } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";
import { arrayKernel } from "./array-kernel.js";
import { type KernelMaker, leftPanel, rightPanel } from "./kernel.js";
import { wasmKernel } from "./wasm-kernel.js";

/** Cells in one tile, at most. */
export const tileRows = 64;
export const tileColumns = 512;

/**
 * A piece of the product: the value of row `row + i` and column `column + j` is `values[i · stride + j]`.
 * `values` is overwritten by the next tile.
 */
export type Tile = {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  readonly stride: number;
  readonly values: Float32Array;
};

/** A right matrix laid out for many products. */
export type PreparedRows = {
  readonly kernel: string;
  /** Visits left · rightᵀ `[M, N]` in tiles; only the tiles holding a cell (i, i) where `diagonal`. */
  tiles(left: Matrix, visit: (tile: Tile) => void, which?: "all" | "diagonal"): void;
  /** The whole of left · rightᵀ, `[M, N]`. */
  times(left: Matrix): Matrix;
};

/** Lays rows `[from, from + count)` out as panels `[panel][D][width]`, missing rows as zeros. */
function pack(source: Matrix, from: number, count: number, width: number, space: Float32Array, at: number): number {
  const depth = source.shape[1];
  const panels = Math.ceil(count / width);
  space.fill(0, at, at + panels * width * depth);
  for (let row = 0; row < count; row++) {
    const to = at + Math.floor(row / width) * width * depth + (row % width);
    const start = (from + row) * depth;
    for (let k = 0; k < depth; k++) space[to + k * width] = source.data[start + k];
  }
  return panels;
}

/**
 * Prepares `right [N, D]` for products with many left matrices `[M, D]`: cache-sized blocks, WebAssembly SIMD where the
 * host has it, else typed arrays. Both sum in float32 results; equal vectors always have equal products.
 */
export function prepareRows(right: Matrix, makers: readonly KernelMaker[] = [wasmKernel, arrayKernel]): PreparedRows {
  const [count, depth] = right.shape;
  if (count === 0 || depth === 0) {
    throw new KdcError({
      where: "prepareRows",
      what: `there is nothing to multiply with, shape [${count}, ${depth}]`,
      remedy: "Give at least one row of at least one number",
      reason: "empty",
    });
  }
  const panelCount = Math.ceil(count / rightPanel);
  const rightSize = panelCount * rightPanel * depth;
  const leftAt = rightSize;
  const outAt = leftAt + tileRows * depth;
  const floats = outAt + tileRows * tileColumns;
  const kernel = makers.reduce<ReturnType<KernelMaker>>((found, make) => found ?? make(floats), undefined)!;
  pack(right, 0, count, rightPanel, kernel.space, 0);

  const tiles: PreparedRows["tiles"] = (left, visit, which = "all") => {
    const rowCount = left.shape[0];
    const wholeRow = { from: 0, to: count };
    for (let row = 0; row < rowCount; row += tileRows) {
      const rows = Math.min(tileRows, rowCount - row);
      const leftPanels = pack(left, row, rows, leftPanel, kernel.space, leftAt);
      const span = which === "all" ? wholeRow : { from: row, to: Math.min(count, row + tileRows) };
      for (let column = span.from; column < span.to; column += tileColumns) {
        const columns = Math.min(tileColumns, span.to - column);
        const panels = Math.ceil(columns / rightPanel);
        kernel.tile(leftAt, column * depth, outAt, leftPanels, panels, depth);
        const stride = panels * rightPanel;
        visit({ row, rows, column, columns, stride, values: kernel.space.subarray(outAt, outAt + rows * stride) });
      }
    }
  };
  return {
    kernel: kernel.name,
    tiles,
    times(left) {
      const whole = matrix(left.shape[0], count);
      tiles(left, ({ row, rows, column, columns, stride, values }) => {
        for (let i = 0; i < rows; i++) {
          whole.data.set(values.subarray(i * stride, i * stride + columns), (row + i) * count + column);
        }
      });
      return whole;
    },
  };
}
