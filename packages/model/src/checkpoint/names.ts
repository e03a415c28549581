import { type FloatTensor, float32, type PatchGrid } from "@kdc-mae/core";
import type { ParameterSpec } from "../spec.js";

/** A patch projection is stored as the convolution it is in PyTorch: `[D, C, patch, patch]`. */
const isConvolution = ({ official }: ParameterSpec): boolean => /^patch_embed_[av]\.proj\.weight$/.test(official);

/** The shape a parameter has in an official file. */
export const storedShape = (spec: ParameterSpec): readonly number[] =>
  isConvolution(spec) ? [spec.shape[0], spec.grid!.channels, spec.grid!.patch, spec.grid!.patch] : spec.shape;

/** Reorders the P numbers of each of D kernels: number i is read at `from(i, area, channels)`. */
function reorder(data: Float32Array, grid: PatchGrid, from: (i: number, area: number, channels: number) => number) {
  const { channels } = grid;
  const area = grid.patch * grid.patch;
  const width = channels * area;
  const moved = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += width) {
    for (let i = 0; i < width; i++) moved[row + i] = data[row + from(i, area, channels)];
  }
  return moved;
}

/** Kernel `[D, channel, height, width]` → weight `[D, P]` with P running [height, width, channel]. */
const kernelToRows = (data: Float32Array, grid: PatchGrid): Float32Array =>
  reorder(data, grid, (i, area, channels) => (i % channels) * area + Math.floor(i / channels));

/** The other way: P running [height, width, channel] → [channel, height, width]. */
const rowsToKernel = (data: Float32Array, grid: PatchGrid): Float32Array =>
  reorder(data, grid, (i, area, channels) => (i % area) * channels + Math.floor(i / area));

/** A stored tensor as the parameter it is; always a copy, since training changes parameters in place. */
export const fromStored = (spec: ParameterSpec, stored: FloatTensor): FloatTensor =>
  float32(spec.shape, isConvolution(spec) ? kernelToRows(stored.data, spec.grid!) : stored.data.slice());

/** A parameter as an official file stores it. */
export const toStored = (spec: ParameterSpec, value: FloatTensor): FloatTensor =>
  float32(storedShape(spec), isConvolution(spec) ? rowsToKernel(value.data, spec.grid!) : value.data);
