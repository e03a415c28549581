import { countPatches, expectShape, type FloatTensor, float32, type PatchGrid, patchLength } from "@kdc-mae/core";

/**
 * Cuts a spectrogram into patches. Rows of the grid are frequency (low first), columns are time, so token
 * f · columns + t; inside a patch the values run [frequency, time].
 *
 * @param spectrogram `[T, melBins]` with T = columns · patch and melBins = rows · patch
 * @returns `[N, P]`
 * @throws KdcError when the shape does not fit the grid
 */
export function cutSpectrogram(spectrogram: FloatTensor, grid: PatchGrid): FloatTensor {
  const { rows, columns, patch } = grid;
  expectShape("cutSpectrogram", "spectrogram", spectrogram, "T M", { T: columns * patch, M: rows * patch });
  const out = float32([countPatches(grid), patchLength(grid)]);
  eachSpectrogramValue(grid, (inPatches, inSpectrogram) => {
    out.data[inPatches] = spectrogram.data[inSpectrogram];
  });
  return out;
}

/**
 * Cuts a picture into patches: token row · columns + column; inside a patch the values run [height, width, channel].
 *
 * @param frame `[H, W, C]` with H = rows · patch and W = columns · patch
 * @returns `[N, P]`
 * @throws KdcError when the shape does not fit the grid
 */
export function cutFrame(frame: FloatTensor, grid: PatchGrid): FloatTensor {
  const { rows, columns, patch, channels } = grid;
  expectShape("cutFrame", "frame", frame, "H W C", { H: rows * patch, W: columns * patch, C: channels });
  const out = float32([countPatches(grid), patchLength(grid)]);
  eachFrameRun(grid, (inPatches, inFrame, length) => {
    out.data.set(frame.data.subarray(inFrame, inFrame + length), inPatches);
  });
  return out;
}

/** Pairs every offset in `[N, P]` spectrogram patches with its offset in `[T, melBins]`. */
export function eachSpectrogramValue(
  { rows, columns, patch }: PatchGrid,
  visit: (inPatches: number, inSpectrogram: number) => void,
): void {
  const melBins = rows * patch;
  for (let time = 0; time < columns * patch; time++) {
    for (let bin = 0; bin < melBins; bin++) {
      const token = Math.floor(bin / patch) * columns + Math.floor(time / patch);
      visit((token * patch + (bin % patch)) * patch + (time % patch), time * melBins + bin);
    }
  }
}

/** Pairs every run of `length` values, one row of one patch, in `[N, P]` picture patches with its offset in `[H, W, C]`. */
export function eachFrameRun(
  { rows, columns, patch, channels }: PatchGrid,
  visit: (inPatches: number, inFrame: number, length: number) => void,
): void {
  const length = patch * channels;
  for (let y = 0; y < rows * patch; y++) {
    for (let column = 0; column < columns; column++) {
      const token = Math.floor(y / patch) * columns + column;
      visit((token * patch + (y % patch)) * length, (y * columns + column) * length, length);
    }
  }
}
