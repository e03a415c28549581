/**
 * How one modality is cut into patches. Token index = row · columns + column.
 * Audio: rows are frequency bands, columns are time (token = f · columns + t). Visual: rows are height, columns width.
 * Numbers inside a patch run [height, width, channel]; for audio height is frequency (low to high) and width is time.
 */
export type PatchGrid = {
  readonly rows: number;
  readonly columns: number;
  /** Side of a square patch, in pixels or (mel bins × frames). */
  readonly patch: number;
  readonly channels: number;
};

/** The two grids of a clip. */
export type ClipGrids = { readonly audio: PatchGrid; readonly visual: PatchGrid };

/**
 * N: patches in a grid.
 *
 * @example
 * ```ts
 * import { countPatches } from "@kdc-mae/core";
 *
 * countPatches({ rows: 8, columns: 64, patch: 16, channels: 1 }); // 512
 * ```
 */
export const countPatches = (grid: PatchGrid): number => grid.rows * grid.columns;

/**
 * P: numbers in a patch.
 *
 * @example
 * ```ts
 * import { patchLength, visualGrid } from "@kdc-mae/core";
 *
 * patchLength(visualGrid(224, 16)); // 768: 16 × 16 × 3
 * ```
 */
export const patchLength = (grid: PatchGrid): number => grid.patch * grid.patch * grid.channels;

/**
 * Grid of a spectrogram with `frames` time frames and `melBins` bins; both must be multiples of `patch`.
 *
 * @example
 * ```ts
 * import { audioGrid, countPatches } from "@kdc-mae/core";
 *
 * countPatches(audioGrid(1024, 128, 16)); // 512: 8 rows of 64
 * ```
 */
export function audioGrid(frames: number, melBins: number, patch: number): PatchGrid {
  return { rows: melBins / patch, columns: frames / patch, patch, channels: 1 };
}

/**
 * Grid of a square RGB frame of `size` pixels; `size` must be a multiple of `patch`.
 *
 * @example
 * ```ts
 * import { countPatches, visualGrid } from "@kdc-mae/core";
 *
 * countPatches(visualGrid(224, 16)); // 196
 * ```
 */
export function visualGrid(size: number, patch: number): PatchGrid {
  return { rows: size / patch, columns: size / patch, patch, channels: 3 };
}
