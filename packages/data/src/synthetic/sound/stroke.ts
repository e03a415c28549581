import type { Rng } from "@kdc-mae/core";

/** One stretch in which an object sounds: seconds from the beginning of the clip, seconds long, relative level. */
export type Stroke = { readonly start: number; readonly length: number; readonly level: number };

/** Rise and fall of a thing that is struck: full within 4 ms, then an exponential decay that is 30 dB down at the stroke's end. */
export const struck = (seconds: number, length: number): number =>
  seconds < 0 || seconds > length ? 0 : Math.min(1, seconds / 0.004) * Math.exp((-3.45 * seconds) / length);

/** Rise and fall of a thing that keeps sounding: 40 ms in, 60 ms out. */
export const held = (seconds: number, length: number): number =>
  seconds < 0 || seconds > length ? 0 : Math.min(1, seconds / 0.04, (length - seconds) / 0.06);

/** Random value between two numbers. */
export const between = (rng: Rng, low: number, high: number): number => low + (high - low) * rng.uniform();

/**
 * Strokes at a steady rate with a little jitter, from a random onset to the end.
 *
 * @param rates slowest and fastest rate, Hz
 * @param fill share of the time between two strokes that a stroke lasts
 */
export function beats(rng: Rng, seconds: number, rates: readonly [number, number], fill: number): Stroke[] {
  const period = 1 / between(rng, rates[0], rates[1]);
  const strokes: Stroke[] = [];
  for (let start = between(rng, 0, 0.35); start < seconds - 0.1; start += period * between(rng, 0.92, 1.08)) {
    strokes.push({ start, length: Math.min(period * fill, seconds - start), level: between(rng, 0.7, 1) });
  }
  return strokes;
}

/** Long strokes with short rests between them, from a random onset to the end. Lengths in seconds. */
export function phrases(rng: Rng, seconds: number, lengths: readonly [number, number]): Stroke[] {
  const strokes: Stroke[] = [];
  let start = between(rng, 0, 0.35);
  while (start < seconds - 0.2) {
    const length = Math.min(between(rng, lengths[0], lengths[1]), seconds - start);
    strokes.push({ start, length, level: between(rng, 0.8, 1) });
    start += length + between(rng, 0.08, 0.3);
  }
  return strokes;
}

/** How strongly the object sounds at a moment, 0 … 1: the envelope of the latest stroke, slow enough to be seen. */
export function activity(strokes: readonly Stroke[], seconds: number): number {
  let most = 0;
  for (const { start, length, level } of strokes) {
    const since = seconds - start;
    if (since < 0) continue;
    const tail = since > length ? Math.exp((length - since) / 0.05) : 1;
    most = Math.max(most, level * Math.min(1, since / 0.03) * tail * (1 - 0.5 * Math.min(1, since / length)));
  }
  return most;
}
