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
  if (![original, sampleRate].every((rate) => Number.isInteger(rate) && rate > 0)) {
    throw new KdcError({
      where: "resample",
      what: `cannot go from ${original} Hz to ${sampleRate} Hz`,
      remedy: "Give positive whole numbers",
      reason: "sample-rate",
    });
  }
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
  const out = new Float32Array(Math.ceil((samples.length * to) / from));
  for (let n = 0; n < out.length; n++) {
    const filter = filters[n % to];
    const start = Math.floor((n * from) / to) - reach + 1;
    const begin = Math.max(0, -start);
    const end = Math.min(filter.length, samples.length - start);
    let sum = 0;
    for (let k = begin; k < end; k++) sum += filter[k] * samples[start + k];
    out[n] = sum;
  }
  return { samples: out, sampleRate };
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
