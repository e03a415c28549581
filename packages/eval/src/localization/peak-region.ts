import { expectMatrix, type Matrix } from "../matrix.js";
import type { Size } from "./box.js";
import { minMax } from "./upsample.js";

/** Cells of a heat map from a corner on. */
export type PeakRegion = {
  /** The hottest cell. */
  readonly peak: { readonly row: number; readonly column: number };
  /** Around every cell in the upper quarter of the map's range that hangs together with the hottest. */
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
};

/** Cells hotter than this share of the map's own range belong to its region. */
const HOT = 0.75;

/**
 * Where a heat map says the sound is: the hottest cell, and the cells in the upper quarter of the map's own range that
 * hang together with it, side by side, as one box. A constant map is one region.
 *
 * @param map `[rows, columns]`
 */
export function peakRegion(map: Matrix): PeakRegion {
  const { R, C } = expectMatrix("peakRegion", "map", map, "R C");
  const { data } = minMax(map);
  const hottest = data.reduce((best, value, at) => (value > data[best] ? at : best), 0);
  const constant = data[hottest] === 0;
  const seen = new Set([hottest]);
  const edge = { top: R, left: C, bottom: -1, right: -1 };
  for (const at of seen) {
    const [row, column] = [Math.floor(at / C), at % C];
    edge.top = Math.min(edge.top, row);
    edge.bottom = Math.max(edge.bottom, row);
    edge.left = Math.min(edge.left, column);
    edge.right = Math.max(edge.right, column);
    const beside = [row > 0 && at - C, row < R - 1 && at + C, column > 0 && at - 1, column < C - 1 && at + 1];
    for (const next of beside) if (next !== false && (constant || data[next] > HOT)) seen.add(next);
  }
  return {
    peak: { row: Math.floor(hottest / C), column: hottest % C },
    ...{ row: edge.top, column: edge.left, rows: edge.bottom - edge.top + 1, columns: edge.right - edge.left + 1 },
  };
}

/** Where the square that a model sees lies in a picture: its shorter side, in the middle. Pixels. */
export function centreSquare({ width, height }: Size): {
  readonly x: number;
  readonly y: number;
  readonly side: number;
} {
  const side = Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}
