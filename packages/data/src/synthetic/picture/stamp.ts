import type { Box } from "@kdc-mae/core";
import type { Canvas } from "./canvas.js";
import type { Sprite } from "./sprite.js";

/** Where an object lies at one moment: middle, half width and half height in pixels, turn in radians, mirrored (−1) or not (1). */
export type Pose = {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly turn: number;
  readonly mirror: number;
};

/**
 * Lays an object onto a canvas, smoothed by four evenly placed samples per pixel.
 *
 * @returns the smallest box around the pixels it covers by half or more; undefined when it covers none
 */
export function stamp({ size, pixels }: Canvas, { side, colours }: Sprite, pose: Pose): Box | undefined {
  const cos = Math.cos(pose.turn);
  const sin = Math.sin(pose.turn);
  const reachX = Math.abs(cos) * pose.halfWidth + Math.abs(sin) * pose.halfHeight + 1;
  const reachY = Math.abs(sin) * pose.halfWidth + Math.abs(cos) * pose.halfHeight + 1;
  const perU = (0.5 * side * pose.mirror) / pose.halfWidth;
  const perV = (0.5 * side) / pose.halfHeight;
  const bottom = Math.min(size, Math.ceil(pose.y + reachY));
  const right = Math.min(size, Math.ceil(pose.x + reachX));
  let [x0, y0, x1, y1] = [size, size, -1, -1];
  for (let y = Math.max(0, Math.floor(pose.y - reachY)); y < bottom; y++) {
    for (let x = Math.max(0, Math.floor(pose.x - reachX)); x < right; x++) {
      let covered = 0;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let sample = 0; sample < 4; sample++) {
        const dx = x + 0.25 + 0.5 * (sample & 1) - pose.x;
        const dy = y + 0.25 + 0.25 * (sample & 2) - pose.y;
        const column = Math.floor((dx * cos + dy * sin) * perU + 0.5 * side);
        const row = Math.floor((dy * cos - dx * sin) * perV + 0.5 * side);
        if (column < 0 || column >= side || row < 0 || row >= side) continue;
        const from = 4 * (row * side + column);
        if (colours[from + 3] === 0) continue;
        covered++;
        red += colours[from];
        green += colours[from + 1];
        blue += colours[from + 2];
      }
      if (covered === 0) continue;
      const at = 3 * (x + size * y);
      const keep = 1 - covered / 4;
      pixels[at] = keep * pixels[at] + red / 4;
      pixels[at + 1] = keep * pixels[at + 1] + green / 4;
      pixels[at + 2] = keep * pixels[at + 2] + blue / 4;
      if (covered < 2) continue;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
  }
  return x1 < 0 ? undefined : { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
}
