import type { Rng } from "@kdc-mae/core";

/** Red, green, blue, 0–255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The four inks of one object, in the order of `ink`, without the empty one. */
export type Palette = readonly [body: Colour, accent: Colour, dark: Colour, light: Colour];

/** Hue in turns, saturation and value in [0, 1], to RGB. */
export function fromHsv(hue: number, saturation: number, value: number): Colour {
  const channel = (shift: number) => {
    const place = (shift + hue * 6) % 6;
    return Math.round(255 * value * (1 - saturation * Math.max(0, Math.min(place, 4 - place, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}

/** Perceived brightness (Rec. 601 luma), 0–255. */
export const brightness = ([red, green, blue]: Colour): number => 0.299 * red + 0.587 * green + 0.114 * blue;

/** Random colours of one object. Every kind draws from the same distribution; only the contrast between inks is kept. */
export function drawPalette(rng: Rng): Palette {
  const anyBody = () => fromHsv(rng.uniform(), 0.35 + 0.6 * rng.uniform(), 0.45 + 0.5 * rng.uniform());
  let body = anyBody();
  for (let tries = 0; tries < 50 && Math.abs(brightness(body) - 130) > 45; tries++) body = anyBody();
  let accent = body;
  for (let tries = 0; tries < 50 && Math.abs(brightness(accent) - brightness(body)) < 60; tries++) {
    accent = fromHsv(rng.uniform(), 0.3 + 0.65 * rng.uniform(), 0.25 + 0.75 * rng.uniform());
  }
  const dark = fromHsv(rng.uniform(), 0.5, 0.05 + 0.15 * rng.uniform());
  const light = fromHsv(rng.uniform(), 0.12, 0.88 + 0.12 * rng.uniform());
  return [body, accent, dark, light];
}
