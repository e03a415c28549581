import { expectShape, KdcError } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";
import { prepareRows } from "../product/row-products.js";
import { type CrossModalRanks, type Multiply, ranksByPieces } from "./ranks.js";
import { unitRows } from "./unit-rows.js";

/**
 * What the similarities of two clips' frames, each of one with each of the other, become: their largest, their mean, or
 * the mean or the largest of those of frames with the same number (CAV-MAE Sync, Araujo et al. 2025).
 */
export type FrameReduction = "max" | "mean" | "diagonal" | "diagonal-max";

/** Embeddings of every frame of every clip, clip after clip, `[N·F, D]`; F is the same for all. */
export type FrameEmbeddings = { readonly audio: Matrix; readonly visual: Matrix; readonly frames: number };

/** Cells of frames by frames that are held at once, about. */
const CELLS = 2 ** 20;

/** Products of rows, a block of clips with a block of clips, `[M, D]` · `[M', D]`ᵀ. */
const rowProducts: Multiply = async (left, right) => prepareRows(right).times(left);

const rowsOf = ({ data, shape: [, D] }: Matrix, from: number, count: number): Matrix =>
  matrix(count, D, data.subarray(from * D, (from + count) * D));

/** Frame `f` of some clips, one row each. */
function sameFrame({ data, shape: [rows, D] }: Matrix, frames: number, f: number): Matrix {
  const made = matrix(rows / frames, D);
  for (let clip = 0; clip < rows / frames; clip++) {
    const from = (clip * frames + f) * D;
    made.data.set(data.subarray(from, from + D), clip * D);
  }
  return made;
}

/** Means over the frames of each clip, not of length one: their product is the mean of all products. */
function meansOf(rows: Matrix, frames: number): Matrix {
  const [all, D] = rows.shape;
  const made = matrix(all / frames, D);
  for (let row = 0; row < all; row++) {
    const to = Math.floor(row / frames) * D;
    for (let k = 0; k < D; k++) made.data[to + k] += rows.data[row * D + k] / frames;
  }
  return made;
}

/** Similarities of some clips' sounds (rows) with some clips' pictures, from unit rows of all their frames. */
const reductions: Record<
  FrameReduction,
  (sounds: Matrix, pictures: Matrix, frames: number, multiply: Multiply) => Promise<Matrix>
> = {
  async max(sounds, pictures, frames, multiply) {
    const [rows, columns] = [sounds.shape[0] / frames, pictures.shape[0] / frames];
    const { data, shape } = await multiply(sounds, pictures);
    const best = matrix(rows, columns, new Float32Array(rows * columns).fill(-2));
    for (let row = 0; row < shape[0]; row++) {
      const to = Math.floor(row / frames) * columns;
      for (let column = 0; column < shape[1]; column++) {
        const at = to + Math.floor(column / frames);
        best.data[at] = Math.max(best.data[at], data[row * shape[1] + column]);
      }
    }
    return best;
  },
  mean: (sounds, pictures, frames, multiply) => multiply(meansOf(sounds, frames), meansOf(pictures, frames)),
  diagonal: (...given) => overDiagonal(...given, 0, (sum, next, frames) => sum + next / frames),
  "diagonal-max": (...given) => overDiagonal(...given, -2, (best, next) => Math.max(best, next)),
};

async function overDiagonal(
  sounds: Matrix,
  pictures: Matrix,
  frames: number,
  multiply: Multiply,
  first: number,
  join: (before: number, next: number, frames: number) => number,
): Promise<Matrix> {
  const [rows, columns] = [sounds.shape[0] / frames, pictures.shape[0] / frames];
  const made = matrix(rows, columns, new Float32Array(rows * columns).fill(first));
  for (let f = 0; f < frames; f++) {
    const { data } = await multiply(sameFrame(sounds, frames, f), sameFrame(pictures, frames, f));
    for (let at = 0; at < data.length; at++) made.data[at] = join(made.data[at], data[at], frames);
  }
  return made;
}

/**
 * Ranks of the right partner in both directions, where clips are compared by the cosines of their frames: each picture
 * with the sound around it. Some blocks of them are held at a time.
 *
 * @param multiply somebody else's product of rows with rows; our own unless given
 * @throws KdcError for an empty gallery, clips with other numbers of frames, NaN or zero rows
 *
 * @example
 * ```ts
 * import { frameRanks, matrix } from "@kdc-mae/eval";
 *
 * // Two clips of two frames each.
 * const audio = matrix(4, 2, Float32Array.of(1, 0, 0, 1, 0, 1, 0, 1));
 * const { audioToVisual } = await frameRanks({ audio, visual: audio, frames: 2 }, "diagonal");
 * console.log(audioToVisual.rank); // [0, 0]
 * ```
 */
export async function frameRanks(
  { audio, visual, frames }: FrameEmbeddings,
  reduce: FrameReduction,
  multiply: Multiply = rowProducts,
): Promise<CrossModalRanks> {
  const where = "frameRanks";
  const [sounds, pictures] = [unitRows(where, "audio", audio), unitRows(where, "visual", visual)];
  expectShape(where, "visual", pictures, "_ D", { D: sounds.shape[1] });
  const N = sounds.shape[0] / frames;
  if (!Number.isInteger(N) || pictures.shape[0] !== sounds.shape[0]) {
    throw new KdcError({
      where,
      what: `${sounds.shape[0]} sounds and ${pictures.shape[0]} pictures do not make clips of ${frames} frames each`,
      remedy: "Give every clip the same number of frames, sound and picture in pairs",
      reason: "shape",
    });
  }
  const block = Math.max(1, Math.min(N, Math.floor(Math.sqrt(CELLS) / frames)));
  return ranksByPieces(N, block, async (row, column) => {
    const [rows, columns] = [Math.min(block, N - row), Math.min(block, N - column)];
    const take = (from: Matrix, first: number, count: number) => rowsOf(from, first * frames, count * frames);
    const { data } = await reductions[reduce](
      take(sounds, row, rows),
      take(pictures, column, columns),
      frames,
      multiply,
    );
    return { row, rows, column, columns, stride: columns, values: data };
  });
}
