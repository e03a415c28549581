import { expectShape, type FloatTensor, float32, KdcError, type Waveform } from "@kdc-mae/core";
import { planPowerSpectrum } from "./fft.js";
import { frameMean, withoutMean } from "./float32-mean.js";
import { hannWindow } from "./hann.js";
import { type LogMelKernel, wasmLogMel } from "./log-mel-wasm.js";
import { logarithm } from "./logarithm.js";
import { melBank, melEnergies } from "./mel.js";

/** How sound becomes a log-mel spectrogram, as Kaldi and torchaudio understand it. */
export type LogMelOptions = {
  /** Hz; a waveform of another rate must be resampled first. */
  readonly sampleRate: number;
  readonly melBins: number;
  /** Length of an analysis frame, ms. */
  readonly frameLengthMs: number;
  /** Distance between frames, ms. */
  readonly frameShiftMs: number;
};

/** What torchaudio calls epsilon: the smallest energy that is told from silence. */
const energyFloor = 1.1920929e-7;
/** How much of its predecessor every sample of a frame loses. */
export const preemphasis: number = Math.fround(0.97);
const lowHz = 20;

/** Natural logarithm of the floor: the value of silence in a spectrogram. */
export const silenceLevel: number = Math.fround(Math.log(energyFloor));

/**
 * Kaldi log-mel spectrogram, equal to `torchaudio.compliance.kaldi.fbank(waveform - waveform.mean(), htk_compat=True,
 * use_energy=False, window_type="hanning", dither=0)`: remove the mean of the waveform, per frame remove its own,
 * pre-emphasise by 0.97, apply a symmetric Hann window, pad to a power of two, power spectrum, mel triangles from 20 Hz,
 * natural log. Only whole frames are taken (snip edges). Up to the power spectrum every operation is torchaudio's in
 * float32, in its order: far below a frame's peak the numbers are rounding, and would else be others.
 *
 * @param waveform T samples
 * @param options pass the same object for many clips: its tables are made once
 * @returns `[1 + floor((T − length) / shift), melBins]`, e.g. [998, 128] for 10 s
 * @throws KdcError reason `sample-rate` when the rates differ, `too-short` when not one frame fits, `not-finite` for samples
 * that are NaN or infinite
 *
 * @example
 * ```ts
 * import { logMel, publishedAudio } from "@kdc-mae/data";
 *
 * const sound = { sampleRate: 16_000, samples: new Float32Array(160_000) }; // 10 s
 * logMel(sound, publishedAudio).shape; // [998, 128]
 * ```
 */
export function logMel(waveform: Waveform, options: LogMelOptions): FloatTensor {
  const plan = planOf(options);
  const frames = countFrames(waveform, options, plan);
  expectFinite("logMel", waveform);
  const out = float32([frames, options.melBins]);
  plan.write(withoutMean(waveform.samples), frames, out.data);
  return out;
}

/** Tables and scratch space are made once per options object, and go when it goes. */
const plans = new WeakMap<LogMelOptions, LogMelPlan>();

type LogMelPlan = {
  /** Samples of a frame, and from one to the next. */
  readonly length: number;
  readonly shift: number;
  readonly write: LogMelKernel;
};

/** The tables for some options, made once. */
export function planOf(options: LogMelOptions): LogMelPlan {
  const plan = plans.get(options) ?? planLogMel(options);
  plans.set(options, plan);
  return plan;
}

/** How a sound is cut into frames and its spectrum into bands: `length`, `shift` and `size` are samples. */
export function analysisOf({ sampleRate, melBins, frameLengthMs, frameShiftMs }: LogMelOptions) {
  const length = Math.floor(sampleRate * frameLengthMs * 0.001);
  const shift = Math.floor(sampleRate * frameShiftMs * 0.001);
  const size = 2 ** Math.ceil(Math.log2(length));
  return { length, shift, size, bank: melBank(size, sampleRate, melBins, lowHz), window: hannWindow(length) };
}

function planLogMel(options: LogMelOptions): LogMelPlan {
  const { melBins } = options;
  const { length, shift, size, bank, window } = analysisOf(options);
  const kernel = wasmLogMel({ window, shift, size, bank, melBins, preemphasis, energyFloor });
  if (kernel) return { length, shift, write: kernel };
  const spectrum = planPowerSpectrum(size);
  const frame = new Float32Array(size);
  const power = new Float32Array(size / 2 + 1);
  const energies = new Float64Array(melBins);
  const write: LogMelKernel = (samples, frames, out) => {
    for (let t = 0; t < frames; t++) {
      windowFrame(samples, t * shift, window, frame);
      spectrum.run(frame, power);
      const row = t * melBins;
      melEnergies(bank, power, energies);
      for (let m = 0; m < melBins; m++) out[row + m] = logarithm(Math.max(energies[m], energyFloor));
    }
  };
  return { length, shift, write };
}

/** How many whole frames there are. @throws KdcError when the rate is another one, or there is none */
function countFrames(
  { samples, sampleRate: rate }: Waveform,
  { sampleRate }: LogMelOptions,
  { length, shift }: LogMelPlan,
): number {
  if (rate !== sampleRate) refuseRate(rate, sampleRate);
  if (samples.length < length) refuseLength(samples.length, length, sampleRate);
  return 1 + Math.floor((samples.length - length) / shift);
}

/** Writes one frame, without its mean, pre-emphasised (its first sample counts as its own predecessor) and windowed. */
function windowFrame(samples: Float32Array, start: number, window: Float32Array, frame: Float32Array): void {
  const mean = frameMean(samples, start, window.length);
  let previous = Math.fround(samples[start] - mean);
  for (let n = 0; n < window.length; n++) {
    const current = Math.fround(samples[start + n] - mean);
    frame[n] = window[n] * Math.fround(current - Math.fround(preemphasis * previous));
    previous = current;
  }
}

/**
 * Cuts or pads a spectrogram to `frames` frames. Padding is zero *in log-mel space, before normalisation*, which is
 * what the reference models were trained with.
 *
 * @param spectrogram `[T, melBins]`
 * @returns `[frames, melBins]`
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { padFrames } from "@kdc-mae/data";
 *
 * padFrames(float32([998, 128]), 1024).shape; // [1024, 128]
 * ```
 */
export function padFrames(spectrogram: FloatTensor, frames: number): FloatTensor {
  const { M } = expectShape("padFrames", "spectrogram", spectrogram, "T M");
  const out = float32([frames, M]);
  out.data.set(spectrogram.data.subarray(0, frames * M));
  return out;
}

/** (x − mean) / std at every value, the data set's statistics as constants. Any shape. */
export function normalizeSpectrogram(spectrogram: FloatTensor, mean: number, std: number): FloatTensor {
  return float32(
    spectrogram.shape,
    spectrogram.data.map((value) => (value - mean) / std),
  );
}

/** x · std + mean: the inverse of {@link normalizeSpectrogram}. */
export function denormalizeSpectrogram(spectrogram: FloatTensor, mean: number, std: number): FloatTensor {
  return float32(
    spectrogram.shape,
    spectrogram.data.map((value) => value * std + mean),
  );
}

/**
 * The logarithm reads a number's bits: of one that is none it would make a value that looks like any other.
 *
 * @param before samples of the sound that came before these
 * @throws KdcError (`not-finite`)
 */
export function expectFinite(where: string, { samples, sampleRate }: Waveform, before = 0): void {
  let sum = 0;
  for (let n = 0; n < samples.length; n++) sum += samples[n] * 0;
  if (sum === 0) return;
  const at = samples.findIndex((sample) => !Number.isFinite(sample));
  throw new KdcError({
    where,
    what: `the sound is ${samples[at]} at ${((before + at) / sampleRate).toFixed(3)} s`,
    remedy: "Give finite samples, between -1 and 1, or leave this sound out",
    reason: "not-finite",
  });
}

function refuseRate(rate: number, wanted: number): never {
  throw new KdcError({
    where: "logMel",
    what: `the waveform has ${rate} Hz and the options say ${wanted} Hz`,
    remedy: `Resample it first: resample(waveform, ${wanted})`,
    reason: "sample-rate",
  });
}

function refuseLength(samples: number, length: number, sampleRate: number): never {
  throw new KdcError({
    where: "logMel",
    what: `the waveform has ${samples} samples and one analysis frame needs ${length} at ${sampleRate} Hz`,
    remedy: "Give a longer clip, or leave this one out",
    reason: "too-short",
  });
}
