import type { Rng } from "@kdc-mae/core";
import { type Canvas, createCanvas } from "./canvas.js";
import { type Colour, fromHsv } from "./colour.js";

/** Small things lying about: is the point (x, y), measured from the middle in units of the thing's radius, on it? */
const things: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => x * x + y * y < 1,
  (x, y) => Math.abs(x) < 0.85 && Math.abs(y) < 0.85,
  (x, y) => y > -0.8 && Math.abs(x) < 0.5 * (y + 0.8),
  (x, y) => Math.abs(x * x + y * y - 0.7) < 0.3,
  (x, y) => Math.abs(y) < 0.22 && Math.abs(x) < 1,
  (x, y) => (Math.abs(x) < 0.25 || Math.abs(y) < 0.25) && Math.abs(x) < 0.9 && Math.abs(y) < 0.9,
];

const thingColour = (rng: Rng): Colour => fromHsv(rng.uniform(), 0.7 * rng.uniform(), 0.15 + 0.8 * rng.uniform());

/** Walls and floors are duller than the things in front of them. */
const wallColour = (rng: Rng): Colour => fromHsv(rng.uniform(), 0.4 * rng.uniform(), 0.38 + 0.24 * rng.uniform());

/** Mixes a colour into the pixel at index `x + size · y`; `cover` 0 leaves it, 1 replaces it. */
function blend({ pixels }: Canvas, pixel: number, colour: Colour, cover: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const at = 3 * pixel + channel;
    pixels[at] += cover * (colour[channel] - pixels[at]);
  }
}

/** Lays one random small thing on the canvas. */
function scatter(canvas: Canvas, rng: Rng): void {
  const { size } = canvas;
  const inside = things[rng.integer(things.length)];
  const colour = thingColour(rng);
  const radius = size * (0.02 + 0.06 * rng.uniform());
  const cx = size * rng.uniform();
  const cy = size * rng.uniform();
  const turn = 2 * Math.PI * rng.uniform();
  const cos = Math.cos(turn) / radius;
  const sin = Math.sin(turn) / radius;
  const cover = 0.5 + 0.5 * rng.uniform();
  const edge = 1.4 * radius;
  for (let y = Math.max(0, Math.floor(cy - edge)); y < Math.min(size, cy + edge); y++) {
    for (let x = Math.max(0, Math.floor(cx - edge)); x < Math.min(size, cx + edge); x++) {
      const dx = x + 0.5 - cx;
      const dy = y + 0.5 - cy;
      if (inside(dx * cos + dy * sin, dy * cos - dx * sin)) blend(canvas, x + size * y, colour, cover);
    }
  }
}

/**
 * A cluttered background: a gradient between two dull random colours in a random direction, slow waves, `clutter` small
 * random things, and grain.
 */
export function drawBackground(rng: Rng, size: number, clutter: number): Canvas {
  const canvas = createCanvas(size);
  const from = wallColour(rng);
  const to = wallColour(rng);
  const turn = 2 * Math.PI * rng.uniform();
  const along = [Math.cos(turn) / size, Math.sin(turn) / size];
  const wave = 2 + 6 * rng.uniform();
  const swell = 18 * rng.uniform();
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const place = 0.5 + (x - size / 2) * along[0] + (y - size / 2) * along[1];
      const lift = swell * Math.sin(wave * (place + 2 * (x * along[1] - y * along[0])));
      for (let channel = 0; channel < 3; channel++) {
        const mix = from[channel] + Math.min(1, Math.max(0, place)) * (to[channel] - from[channel]);
        canvas.pixels[3 * (x + size * y) + channel] = mix + lift;
      }
    }
  }
  for (let count = 0; count < clutter; count++) scatter(canvas, rng);
  const grain = 3 + 9 * rng.uniform();
  for (let pixel = 0; pixel < size * size; pixel++) {
    const speck = grain * (rng.uint32() / 2147483648 - 1);
    for (let channel = 0; channel < 3; channel++) canvas.pixels[3 * pixel + channel] += speck;
  }
  return canvas;
}
