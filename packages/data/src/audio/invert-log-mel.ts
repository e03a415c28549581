import { createRng, expectShape, type FloatTensor, KdcError, type Waveform } from "@kdc-mae/core";
import { planTransform } from "./fft.js";
import { analysisOf, type LogMelOptions, preemphasis, silenceLevel } from "./log-mel.js";
import type { MelBank } from "./mel.js";

/** How a sound is found for a spectrogram. */
export type InvertOptions = {
  /** Rounds of Griffin–Lim (32 by default). */
  readonly iterations?: number;
  /** Draws the phases that it begins with. */
  readonly seed?: number | string;
};

/** How strongly a round goes on in the direction of the one before: α of the fast Griffin–Lim. */
const acceleration = 0.99 / 1.99;
/** Rounds of the search for a spectrum behind the bands. */
const spectrumRounds = 30;
/** A sample that hardly any window covers is not blown up: least sum of squared windows, share of the largest. */
const leastCover = 0.1;
/** Natural logarithm of more energy than any sound from −1 to 1 has. */
const loudest = 20;

/**
 * A sound whose {@link logMel} is near a given one. The bands' energies are spread over the spectrum's bins by
 * Richardson–Lucy iteration (the non-negative spectrum whose bands diverge least, Lee & Seung 2001); phases are found by
 * Griffin–Lim (D. Griffin & J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32(2),
 * 1984) with the acceleration of N. Perraudin, P. Balazs & P. Søndergaard, "A fast Griffin–Lim algorithm", WASPAA 2013;
 * at last the pre-emphasis is taken back.
 *
 * What a log-mel does not hold cannot come back: phases (so the waveform is another one, and transients smear over a
 * frame), what of the pitch lies between two bands, and everything below 20 Hz. Speech and music sound hoarse.
 *
 * @param spectrogram `[T, melBins]`, natural logarithm, not normalised and without padding: padding's 0 is loud
 * @returns (T − 1) · shift + length samples at the options' rate, about as loud as the original was
 * @throws KdcError reason `shape`, or `not-finite` for NaN
 */
export function invertLogMel(
  spectrogram: FloatTensor,
  options: LogMelOptions,
  { iterations = 32, seed = 0 }: InvertOptions = {},
): Waveform {
  const where = "invertLogMel";
  const { T } = expectShape(where, "spectrogram", spectrogram, "T M", { M: options.melBins });
  if (spectrogram.data.some(Number.isNaN)) {
    const remedy = "Look for a diverged checkpoint";
    throw new KdcError({ where, what: "the spectrogram holds NaN", remedy, reason: "not-finite" });
  }
  const analysis = analysisOf(options);
  const { length, shift, size } = analysis;
  const bins = size / 2 + 1;
  const magnitudes = magnitudesOf(spectrogram, analysis.bank, bins);
  const stft = planFrames(analysis, T);
  const rng = createRng(seed);
  const spectrum = new Float32Array(T * bins * 2);
  for (let at = 0; at < T * bins; at++) {
    const angle = 2 * Math.PI * rng.uniform();
    spectrum[2 * at] = magnitudes[at] * Math.cos(angle);
    spectrum[2 * at + 1] = magnitudes[at] * Math.sin(angle);
  }
  const samples = new Float32Array((T - 1) * shift + length);
  let before = new Float32Array(spectrum.length);
  let made = new Float32Array(spectrum.length);
  for (let round = 0; round < iterations; round++) {
    stft.toSamples(spectrum, samples);
    stft.toSpectrum(samples, made);
    for (let at = 0; at < T * bins; at++) {
      const re = made[2 * at] - acceleration * before[2 * at];
      const im = made[2 * at + 1] - acceleration * before[2 * at + 1];
      const scale = magnitudes[at] / (Math.sqrt(re * re + im * im) + 1e-16);
      spectrum[2 * at] = re * scale;
      spectrum[2 * at + 1] = im * scale;
    }
    [before, made] = [made, before];
  }
  stft.toSamples(spectrum, samples);
  return { samples: withoutPreemphasis(samples), sampleRate: options.sampleRate };
}

/** The spectrum's magnitudes `[T, bins]` behind the bands' energies. */
function magnitudesOf({ data, shape }: FloatTensor, { first, offset, weights }: MelBank, bins: number): Float32Array {
  const [T, M] = shape;
  const covered = new Float64Array(bins);
  const each = (m: number, visit: (bin: number, weight: number) => void) => {
    for (let w = offset[m]; w < offset[m + 1]; w++) visit(first[m] + w - offset[m], weights[w]);
  };
  for (let m = 0; m < M; m++) {
    each(m, (bin, weight) => {
      covered[bin] += weight;
    });
  }
  const magnitudes = new Float32Array(T * bins);
  const [power, pull] = [new Float64Array(bins), new Float64Array(bins)];
  for (let t = 0; t < T; t++) {
    const energies = Float64Array.from(data.subarray(t * M, (t + 1) * M), (value) =>
      value <= silenceLevel ? 0 : Math.exp(Math.min(loudest, value)),
    );
    // Begins flat; a band at the floor leaves nothing.
    power.fill(1);
    for (let round = 0; round < spectrumRounds; round++) {
      pull.fill(0);
      for (let m = 0; m < M; m++) {
        let sum = 0;
        each(m, (bin, weight) => {
          sum += weight * power[bin];
        });
        const ratio = sum > 0 ? energies[m] / sum : 0;
        each(m, (bin, weight) => {
          pull[bin] += weight * ratio;
        });
      }
      for (let k = 0; k < bins; k++) power[k] = covered[k] > 0 ? (power[k] * pull[k]) / covered[k] : 0;
    }
    for (let k = 0; k < bins; k++) magnitudes[t * bins + k] = Math.sqrt(power[k]);
  }
  return magnitudes;
}

/** Between a sound and the spectra of its windowed frames, `[T, bins, 2]` (real, imaginary), in both directions. */
function planFrames({ length, shift, size, window }: ReturnType<typeof analysisOf>, T: number) {
  const transform = planTransform(size);
  const bins = size / 2 + 1;
  const frame = new Float32Array(size);
  const cover = new Float32Array((T - 1) * shift + length);
  for (let t = 0; t < T; t++) for (let n = 0; n < length; n++) cover[t * shift + n] += window[n] ** 2;
  const least = leastCover * cover.reduce((most, value) => Math.max(most, value), 0);

  const toSpectrum = (samples: Float32Array, spectrum: Float32Array): void => {
    for (let t = 0; t < T; t++) {
      frame.fill(0, length);
      for (let n = 0; n < length; n++) frame[n] = window[n] * samples[t * shift + n];
      const packed = transform.run(frame);
      const row = 2 * t * bins;
      spectrum[row] = packed[0];
      spectrum[row + 1] = 0;
      spectrum.set(packed.subarray(1, size - 1), row + 2);
      spectrum[row + size] = packed[size - 1];
      spectrum[row + size + 1] = 0;
    }
  };

  /**
   * Least squares, overlapping and added. A frame comes back by the forward transform alone: the differences of real and
   * imaginary parts are the frame's Hartley transform, which undoes itself but for the factor of its size.
   */
  const toSamples = (spectrum: Float32Array, samples: Float32Array): void => {
    samples.fill(0);
    for (let t = 0; t < T; t++) {
      const row = 2 * t * bins;
      frame[0] = spectrum[row];
      frame[size / 2] = spectrum[row + size];
      for (let k = 1; k < size / 2; k++) {
        const [re, im] = [spectrum[row + 2 * k], spectrum[row + 2 * k + 1]];
        frame[k] = re - im;
        frame[size - k] = re + im;
      }
      const packed = transform.run(frame);
      samples[t * shift] += (window[0] * packed[0]) / size;
      for (let n = 1; n < length; n++) {
        const k = n <= size / 2 ? n : size - n;
        const re = k === size / 2 ? packed[size - 1] : packed[2 * k - 1];
        const im = k === size / 2 ? 0 : packed[2 * k];
        samples[t * shift + n] += (window[n] * (n <= size / 2 ? re - im : re + im)) / size;
      }
    }
    for (let n = 0; n < samples.length; n++) samples[n] /= Math.max(cover[n], least);
  };
  return { toSpectrum, toSamples };
}

/** Each sample with what pre-emphasis took of it, and without what is slower than is heard. */
function withoutPreemphasis(samples: Float32Array): Float32Array {
  const whole = new Float32Array(samples.length);
  let previous = 0;
  for (let n = 0; n < samples.length; n++) {
    previous = samples[n] + preemphasis * previous;
    whole[n] = previous;
  }
  const mean = whole.reduce((sum, value) => sum + value, 0) / whole.length;
  return whole.map((value) => value - mean);
}
