import { type Box, centreCrop } from "@kdc-mae/core";
import { type Matrix, matrix } from "../matrix.js";

/** Pixels of one picture. */
export type Size = { readonly width: number; readonly height: number };

/** The union of boxes as a map of 0 and 1, `[height, width]`: a pixel belongs where its centre lies inside. */
export function boxMask(boxes: readonly Box[], { width, height }: Size): Matrix {
  const mask = matrix(height, width);
  for (const box of boxes) {
    const [left, right] = [Math.max(0, Math.ceil(box.x - 0.5)), Math.min(width, Math.ceil(box.x + box.width - 0.5))];
    const [top, bottom] = [Math.max(0, Math.ceil(box.y - 0.5)), Math.min(height, Math.ceil(box.y + box.height - 0.5))];
    for (let y = top; y < bottom; y++) if (right > left) mask.data.fill(1, y * width + left, y * width + right);
  }
  return mask;
}

/**
 * Where a box of the original picture lies after the standard fit: shorter side scaled to `size`, the longer one to the
 * whole pixel below (as the picture itself is), centre crop of `size` × `size`. Cut at the crop's edge; undefined when
 * nothing is left inside.
 */
export function boxAfterFit(box: Box, original: Size, size: number): Box | undefined {
  const shorter = Math.min(original.width, original.height);
  const axis = (length: number, start: number, extent: number) => {
    const scaled = Math.floor((size * length) / shorter);
    const crop = centreCrop(scaled, size);
    const edge = (value: number) => Math.min(size, Math.max(0, (value * scaled) / length - crop));
    return { from: edge(start), to: edge(start + extent) };
  };
  const across = axis(original.width, box.x, box.width);
  const down = axis(original.height, box.y, box.height);
  if (across.to <= across.from || down.to <= down.from) return undefined;
  return { x: across.from, y: down.from, width: across.to - across.from, height: down.to - down.from };
}

/** The box at a time, between two known ones by straight lines; before the first and after the last, that one. */
export function boxAt(track: readonly (readonly [time: number, box: Box])[], time: number): Box | undefined {
  const sorted = [...track].sort((a, b) => a[0] - b[0]);
  const next = sorted.findIndex(([at]) => at >= time);
  if (next === -1) return sorted.at(-1)?.[1];
  if (next === 0) return sorted[0][1];
  const [[before, from], [after, to]] = [sorted[next - 1], sorted[next]];
  const share = after === before ? 0 : (time - before) / (after - before);
  const between = (a: number, b: number) => a + share * (b - a);
  return {
    x: between(from.x, to.x),
    y: between(from.y, to.y),
    width: between(from.width, to.width),
    height: between(from.height, to.height),
  };
}

/** A box of `side` (share of the frame's width and height) in the middle of the frame. */
export function centreBox(side: number, { width, height }: Size): Box {
  return { x: (width * (1 - side)) / 2, y: (height * (1 - side)) / 2, width: width * side, height: height * side };
}
