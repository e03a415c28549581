import type { Waveform } from "@kdc-mae/core";

/** What libswresample does by default: 32 taps at the lower rate, Kaiser's window with β = 9, cut off at 0.97. */
const [taps, beta, cutoff] = [32, 9, 0.97];

/** Modified Bessel function of the first kind, order 0, as its power series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** One filter for each place an output sample may have between two input samples. */
function filters(phases: number, factor: number): readonly Float32Array[] {
  const length = Math.max(1, Math.ceil(taps / factor));
  const middle = Math.floor((length - 1) / 2);
  const weights = Array.from({ length: phases }, (_, phase) =>
    Float64Array.from({ length }, (_, tap) => {
      const x = Math.PI * (tap - middle - phase / phases) * factor;
      const w = (2 * x) / (factor * length * Math.PI);
      return (x === 0 ? 1 : Math.sin(x) / x) * bessel(beta * Math.sqrt(Math.max(0, 1 - w * w)));
    }),
  );
  const whole = weights[0].reduce((sum, weight) => sum + weight, 0);
  return weights.map((row) => Float32Array.from(row, (weight) => weight / whole));
}

/**
 * Changes the rate of a sound as ffmpeg's own resampler does, mirrored at both ends, so that a page hears what the
 * command line hears. Rates whose ratio is exact, which all usual ones are.
 *
 * @returns ceil(T · to / from) samples at `rate` Hz
 */
export function asFfmpegResamples({ samples, sampleRate }: Waveform, rate: number): Waveform {
  if (sampleRate === rate || samples.length === 0) return { samples, sampleRate: rate };
  const divisor = greatestCommonDivisor(sampleRate, rate);
  const [from, to] = [sampleRate / divisor, rate / divisor];
  const bank = filters(to, Math.min(1, (rate * cutoff) / sampleRate));
  const length = bank[0].length;
  const middle = Math.floor((length - 1) / 2);
  const T = samples.length;
  const at = (index: number): number => {
    if (index < 0) return samples[Math.min(T - 1, -index)];
    return index < T ? samples[index] : samples[Math.max(0, 2 * T - 1 - index)];
  };
  const out = new Float32Array(Math.ceil((T * to) / from));
  for (let n = 0; n < out.length; n++) {
    const filter = bank[(n * from) % to];
    const start = Math.floor((n * from) / to) - middle;
    let sum = 0;
    if (start >= 0 && start + length <= T) for (let k = 0; k < length; k++) sum += filter[k] * samples[start + k];
    else for (let k = 0; k < length; k++) sum += filter[k] * at(start + k);
    out[n] = sum;
  }
  return { samples: out, sampleRate: rate };
}
