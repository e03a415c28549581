import type { Rng } from "@kdc-mae/core";
import { white } from "./noise.js";

/** A plucked string: start and length in seconds, pitch in Hz, level, and how bright the pluck is (0 dull … 1 sharp). */
export type Pluck = {
  readonly start: number;
  readonly length: number;
  readonly pitch: number;
  readonly level: number;
  readonly brightness: number;
};

/** Adds a plucked string to `samples` (Karplus & Strong 1983, with a fractional delay by linear interpolation). */
export function addPluck(samples: Float32Array, sampleRate: number, pluck: Pluck, rng: Rng): void {
  const period = sampleRate / pluck.pitch;
  const size = Math.ceil(period) + 1;
  const line = new Float32Array(size);
  let smooth = 0;
  for (let i = 0; i < size; i++) {
    smooth += (0.15 + 0.85 * pluck.brightness) * (white(rng) - smooth);
    line[i] = smooth;
  }
  const whole = Math.floor(period - 0.5);
  const rest = period - 0.5 - whole;
  const keep = 10 ** (-1.5 / (pluck.length * pluck.pitch));
  const first = Math.round(pluck.start * sampleRate);
  const last = Math.min(samples.length, first + Math.round(pluck.length * sampleRate));
  let write = 0;
  let previous = 0;
  for (let i = first; i < last; i++) {
    const a = line[(write - whole + size) % size];
    const b = line[(write - whole - 1 + size) % size];
    const delayed = a + rest * (b - a);
    const value = 0.5 * keep * (delayed + previous);
    previous = delayed;
    line[write] = value;
    write = (write + 1) % size;
    const fade = Math.min(1, (last - i) / 200);
    samples[i] += pluck.level * fade * value;
  }
}
