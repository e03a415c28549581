import type { Rng } from "@kdc-mae/core";

/** Samples between two evaluations of the band's centre and level. */
const controlStep = 32;

/** White noise in [−1, 1). */
export const white = (rng: Rng): number => rng.uint32() / 2147483648 - 1;

/** A band of noise: start and length in seconds, centre (Hz) and level as functions of seconds since its start, and sharpness (Q). */
export type NoiseBand = {
  readonly start: number;
  readonly length: number;
  readonly centre: (seconds: number) => number;
  readonly sharpness: number;
  readonly level: (seconds: number) => number;
};

/** Adds band-passed noise to `samples` (a two-pole state-variable filter, run twice as fast as the samples). */
export function addNoise(samples: Float32Array, sampleRate: number, band: NoiseBand, rng: Rng): void {
  const first = Math.round(band.start * sampleRate);
  const last = Math.min(samples.length, first + Math.round(band.length * sampleRate));
  const damping = 1 / band.sharpness;
  let low = 0;
  let middle = 0;
  for (let block = first; block < last; block += controlStep) {
    const seconds = (block - first) / sampleRate;
    const tuning = 2 * Math.sin((Math.PI * Math.min(band.centre(seconds), 0.45 * sampleRate)) / (2 * sampleRate));
    const level = band.level(seconds) * Math.sqrt(damping);
    const end = Math.min(last, block + controlStep);
    for (let i = block; i < end; i++) {
      const input = white(rng);
      for (let twice = 0; twice < 2; twice++) {
        low += tuning * middle;
        middle += tuning * (input - low - damping * middle);
      }
      samples[i] += level * middle;
    }
  }
}
