import { KdcError, type Waveform } from "@kdc-mae/core";

/** Zero crossings of the sinc kept on each side. */
const zeroCrossings = 16;
/** The low-pass begins this far below the lower of the two Nyquist frequencies. */
const rolloff = 0.96;
/** Weights of all phases together; every rate in use needs less, two large rates without a common divisor need more. */
const mostWeights = 4_000_000;

/**
 * Changes the rate of a sound with a Hann-windowed sinc, one filter per phase (the construction of
 * `torchaudio.functional.resample`, with more zero crossings). Both rates are whole numbers of Hz.
 *
 * @returns ceil(T · to / from) samples at `sampleRate` Hz; the same waveform when nothing changes
 *
 * @example
 * ```ts
 * import { resample } from "@kdc-mae/data";
 *
 * const sound = { sampleRate: 44_100, samples: new Float32Array(44_100) };
 * const slower = resample(sound, 16_000);
 * ```
 */
export function resample(waveform: Waveform, sampleRate: number): Waveform {
  const { samples, sampleRate: original } = waveform;
  if (original === sampleRate) return waveform;
  expectRates(original, sampleRate);
  const { filters, from, to, reach } = planFilters(original, sampleRate);
  const out = new Float32Array(Math.ceil((samples.length * to) / from));
  for (let n = 0; n < out.length; n++) {
    const filter = filters[n % to];
    out[n] = weighted(filter, samples, Math.floor((n * from) / to) - reach + 1);
  }
  return { samples: out, sampleRate };
}

/** Changes the rate of a sound that comes in parts; what they give one after another is what {@link resample} gives. */
export type Resampler = {
  /** The samples that these complete. */
  add(samples: Float32Array): Float32Array;
  /** What is left when no more come. */
  end(): Float32Array;
};

/**
 * Makes a {@link Resampler}: it holds as much of the sound as its filter reaches over, some milliseconds.
 *
 * @param original Hz of what comes
 * @param sampleRate Hz of what is given
 * @throws KdcError (`sample-rate`) as {@link resample} does
 */
export function createResampler(original: number, sampleRate: number): Resampler {
  if (original === sampleRate) return { add: (samples) => samples, end: () => new Float32Array(0) };
  expectRates(original, sampleRate);
  const { filters, from, to, reach } = planFilters(original, sampleRate);
  // `held` begins at sample number `first`; output number `next` has not been made.
  let [held, first, next] = [new Float32Array(0), 0, 0];
  const upTo = (count: number) => {
    const out = new Float32Array(Math.max(0, count - next));
    for (let n = 0; n < out.length; n++, next++) {
      out[n] = weighted(filters[next % to], held, Math.floor((next * from) / to) - reach + 1 - first);
    }
    const gone = Math.min(held.length, Math.max(0, Math.floor((next * from) / to) - reach + 1 - first));
    held = held.slice(gone);
    first += gone;
    return out;
  };
  return {
    add(samples) {
      const all = new Float32Array(held.length + samples.length);
      all.set(held);
      all.set(samples, held.length);
      held = all;
      // The last sample that an output needs is `reach` after the one that it lies on.
      return upTo(Math.max(next, Math.ceil(((first + held.length - reach) * to) / from)));
    },
    end: () => upTo(Math.ceil(((first + held.length) * to) / from)),
  };
}

/** Sum of a filter's weights times the samples from `start` on, as far as there are any. */
function weighted(filter: Float64Array, samples: Float32Array, start: number): number {
  const end = Math.min(filter.length, samples.length - start);
  let sum = 0;
  for (let k = Math.max(0, -start); k < end; k++) sum += filter[k] * samples[start + k];
  return sum;
}

function expectRates(original: number, sampleRate: number): void {
  if ([original, sampleRate].every((rate) => Number.isInteger(rate) && rate > 0)) return;
  throw new KdcError({
    where: "resample",
    what: `cannot go from ${original} Hz to ${sampleRate} Hz`,
    remedy: "Give positive whole numbers",
    reason: "sample-rate",
  });
}

/** One filter per phase for going from one rate to another. @throws KdcError (`sample-rate`) where they are too many */
function planFilters(original: number, sampleRate: number) {
  const divisor = greatestCommonDivisor(original, sampleRate);
  const [from, to] = [original / divisor, sampleRate / divisor];
  const cutoff = rolloff * Math.min(1, to / from);
  const reach = Math.ceil(zeroCrossings / cutoff);
  if (to * 2 * reach > mostWeights) {
    throw new KdcError({
      where: "resample",
      what: `to go from ${original} Hz to ${sampleRate} Hz takes ${to} filters of ${2 * reach} weights`,
      remedy: "Write the sound at a usual rate first, for instance: ffmpeg -i IN -ar 48000 OUT.wav",
      reason: "sample-rate",
    });
  }
  const filters = Array.from({ length: to }, (_, phase) => planPhase(((phase * from) % to) / to, cutoff, reach));
  return { filters, from, to, reach };
}

/** Weights of the 2 · reach samples around a point `fraction` of a sample after sample number reach − 1. */
function planPhase(fraction: number, cutoff: number, reach: number): Float64Array {
  return Float64Array.from({ length: 2 * reach }, (_, k) => {
    const distance = (k - reach + 1 - fraction) * cutoff;
    if (Math.abs(distance) >= zeroCrossings) return 0;
    const window = Math.cos((Math.PI * distance) / (2 * zeroCrossings)) ** 2;
    return distance === 0 ? cutoff : (cutoff * window * Math.sin(Math.PI * distance)) / (Math.PI * distance);
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
