import { countPatches, expectShape, type FloatTensor, float32, type PatchGrid, patchLength } from "@kdc-mae/core";
import { eachFrameRun, eachSpectrogramValue } from "./cut.js";

/**
 * The inverse of `cutSpectrogram`.
 *
 * @param patches `[N, P]`
 * @returns `[T, melBins]`
 */
export function pasteSpectrogram(patches: FloatTensor, grid: PatchGrid): FloatTensor {
  expectShape("pasteSpectrogram", "patches", patches, "N P", { N: countPatches(grid), P: patchLength(grid) });
  const out = float32([grid.columns * grid.patch, grid.rows * grid.patch]);
  eachSpectrogramValue(grid, (inPatches, inSpectrogram) => {
    out.data[inSpectrogram] = patches.data[inPatches];
  });
  return out;
}

/**
 * The inverse of `cutFrame`.
 *
 * @param patches `[N, P]`
 * @returns `[H, W, C]`
 */
export function pasteFrame(patches: FloatTensor, grid: PatchGrid): FloatTensor {
  expectShape("pasteFrame", "patches", patches, "N P", { N: countPatches(grid), P: patchLength(grid) });
  const out = float32([grid.rows * grid.patch, grid.columns * grid.patch, grid.channels]);
  eachFrameRun(grid, (inPatches, inFrame, length) => {
    out.data.set(patches.data.subarray(inPatches, inPatches + length), inFrame);
  });
  return out;
}
