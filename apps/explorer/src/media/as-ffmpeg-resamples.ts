import type { Waveform } from "@kdc-mae/core";
import type { Heard } from "./sound.js";

/** What libswresample does by default: 32 taps at the lower rate, Kaiser's window with β = 9, cut off at 0.97. */
const [taps, beta, cutoff] = [32, 9, 0.97];

/** Places between two input samples that it tells apart where the ratio of the rates needs more. */
const mostPhases = 1024;

/** Sums that its vector instructions keep side by side. */
const lanes = 8;

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

/** To the nearest whole number, halves to the even one. */
function nearest(value: number): number {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + Math.abs(low % 2) : Math.round(value);
}

const within16 = (value: number): number => Math.max(-32768, Math.min(32767, value));

/**
 * One filter for each place that an output sample may have between two input samples, and the first once more, a sample
 * later. All have one even length, and zeros up to whole lanes.
 *
 * @param isWhole weights in whole 32,768ths
 */
function filters(phases: number, factor: number, isWhole: boolean) {
  const length = 2 * Math.ceil(taps / factor / 2);
  const middle = Math.floor((length - 1) / 2);
  const weights = Array.from({ length: phases + 1 }, (_, phase) =>
    Float64Array.from({ length }, (_, tap) => {
      const x = Math.PI * (tap - middle - phase / phases) * factor;
      const w = (2 * x) / (factor * length * Math.PI);
      return (x === 0 ? 1 : Math.sin(x) / x) * bessel(beta * Math.sqrt(Math.max(0, 1 - w * w)));
    }),
  );
  const sum = weights[0].reduce((before, weight) => before + weight, 0);
  const stored = (weight: number) =>
    isWhole ? within16(nearest(Math.fround((weight * 32768) / sum))) / 32768 : weight / sum;
  const padded = lanes * Math.ceil(length / lanes);
  const bank = weights.map((row) => Float32Array.from({ length: padded }, (_, tap) => stored(row[tap] ?? 0)));
  return { bank, middle };
}

/** A sum of products, of `filter.length` samples from number `start`. */
type Sum = (filter: Float32Array, samples: Float32Array, start: number) => number;

/** As ffmpeg forms it on processors that multiply and add at once: eight sums in 32 bits, rounded once a product. */
function sumInLanes(): Sum {
  const sums = new Float32Array(lanes);
  return (filter, samples, start) => {
    sums.fill(0);
    for (let k = 0; k < filter.length; k += lanes) {
      for (let lane = 0; lane < lanes; lane++) sums[lane] += filter[k + lane] * samples[start + k + lane];
    }
    for (let half = lanes / 2; half >= 1; half /= 2) {
      for (let lane = 0; lane < half; lane++) sums[lane] += sums[lane + half];
    }
    return sums[0];
  };
}

/** The same of whole numbers of 16 bits, rounded to one. */
const sumOfWhole: Sum = (filter, samples, start) => {
  let sum = 0;
  for (let k = 0; k < filter.length; k++) sum += filter[k] * samples[start + k];
  return within16(Math.floor(sum * 32768 + 0.5)) / 32768;
};

/**
 * Changes the rate of a sound as ffmpeg's own resampler does, mirrored at both ends, to the last bit on processors with
 * fused multiplication (`as-ffmpeg-resamples.test.ts`), so that a page hears what the command line hears. ffmpeg reckons
 * in 16 bits with sound of 16 bits, and in 32 with all other.
 *
 * @returns ceil(T · to / from) samples at `rate` Hz
 */
export function asFfmpegResamples({ samples, sampleRate, digits }: Heard, rate: number): Waveform {
  if (sampleRate === rate || samples.length === 0) return { samples, sampleRate: rate };
  const divisor = greatestCommonDivisor(sampleRate, rate);
  const [from, to] = [sampleRate / divisor, rate / divisor];
  const phases = Math.min(to, mostPhases);
  const isWhole = digits === "sixteen";
  const { bank, middle } = filters(phases, Math.min(1, (rate * cutoff) / sampleRate), isWhole);
  const sum = isWhole ? sumOfWhole : sumInLanes();
  const length = bank[0].length;
  const T = samples.length;
  const mirrored = (index: number): number => {
    if (index < 0) return samples[Math.min(T - 1, -index)];
    return index < T ? samples[index] : samples[Math.max(0, 2 * T - 1 - index)];
  };
  const edge = new Float32Array(length);
  const heard = (filter: Float32Array, start: number): number => {
    if (start >= 0 && start + length <= T) return sum(filter, samples, start);
    for (let k = 0; k < length; k++) edge[k] = mirrored(start + k);
    return sum(filter, edge, 0);
  };
  const out = new Float32Array(Math.ceil((T * to) / from));
  for (let n = 0; n < out.length; n++) {
    const place = (n * from * phases) / to;
    const [phase, start] = [Math.floor(place) % phases, Math.floor(place / phases) - middle];
    const here = heard(bank[phase], start);
    // With more places than filters, two neighbours share what is between them.
    out[n] = phases === to ? here : here + (heard(bank[phase + 1], start) - here) * (place - Math.floor(place));
  }
  return { samples: out, sampleRate: rate };
}

/**
 * Rounded to 16 bits, as all sound comes that the command line decodes.
 *
 * @param cutsOff whole numbers of more bits, which ffmpeg cuts off where nothing else is to be done with them
 */
export function sixteenBits({ samples, sampleRate }: Waveform, cutsOff = false): Waveform {
  const round = cutsOff ? Math.floor : nearest;
  return { samples: samples.map((value) => within16(round(value * 32768)) / 32768), sampleRate };
}
