import { createRng, type FloatTensor, float32, type Waveform } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { invertLogMel } from "./invert-log-mel.js";
import { logMel, silenceLevel } from "./log-mel.js";

const kaldi = { sampleRate: 16_000, melBins: 128, frameLengthMs: 25, frameShiftMs: 10 };
const rng = createRng("invert");
const seconds = (length: number, at: (t: number) => number): Waveform => ({
  samples: Float32Array.from({ length: 16_000 * length }, (_, n) => at(n / 16_000)),
  sampleRate: 16_000,
});
const tone = (hertz: number) => (t: number) => Math.sin(2 * Math.PI * hertz * t);
const sounds = {
  "a tone": seconds(0.7, (t) => 0.3 * tone(440)(t)),
  noise: seconds(0.7, () => 0.1 * rng.normal()),
  "a voice's harmonics, on and off": seconds(
    0.7,
    (t) => [1, 2, 3, 4, 5].reduce((sum, h) => sum + (0.1 / h) * tone(h * 220)(t), 0) * (tone(3)(t) > 0 ? 1 : 0.05),
  ),
};
const loudness = ({ samples }: Waveform) =>
  10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);

/** Mean distance where there is sound: within 9 nepers of the loudest value, 78 dB. */
function distance(a: FloatTensor, b: FloatTensor): number {
  const floor = a.data.reduce((most, value) => Math.max(most, value), -Infinity) - 9;
  const heard = [...a.data.keys()].filter((at) => a.data[at] > floor);
  return heard.reduce((sum, at) => sum + Math.abs(a.data[at] - b.data[at]), 0) / heard.length;
}

/** Energy of a frequency, by its definition. */
function energyAt({ samples, sampleRate }: Waveform, hertz: number): number {
  let [re, im] = [0, 0];
  for (const [n, value] of samples.entries()) {
    re += value * Math.cos((2 * Math.PI * hertz * n) / sampleRate);
    im += value * Math.sin((2 * Math.PI * hertz * n) / sampleRate);
  }
  return re * re + im * im;
}

it.each(Object.entries(sounds))(
  "%s comes back with its log-mel and its loudness, nearer by every round",
  (_, sound) => {
    const known = logMel(sound, kaldi);
    const after = (iterations: number) => invertLogMel(known, kaldi, { iterations });
    const [none, some, many] = [0, 4, 32].map((iterations) => distance(known, logMel(after(iterations), kaldi)));
    expect(some).toBeLessThan(0.8 * none);
    expect(many).toBeLessThan(0.8 * some);
    expect(many).toBeLessThan(0.7);
    expect(Math.abs(loudness(after(32)) - loudness(sound))).toBeLessThan(0.5);
  },
);

it("a tone comes back at its pitch", () => {
  const made = invertLogMel(logMel(sounds["a tone"], kaldi), kaldi);
  const pitches = Array.from({ length: 60 }, (_, at) => 300 + 5 * at);
  const energies = pitches.map((hertz) => energyAt(made, hertz));
  expect(Math.abs(pitches[energies.indexOf(Math.max(...energies))] - 440)).toBeLessThanOrEqual(10);
});

it("silence stays silent, and the same seed gives the same sound", () => {
  const silent = invertLogMel(float32([20, 128], new Float32Array(20 * 128).fill(silenceLevel)), kaldi);
  expect(silent.samples).toHaveLength(19 * 160 + 400);
  expect(loudness(silent)).toBeLessThan(-80);
  const known = logMel(seconds(0.1, tone(700)), kaldi);
  expect(invertLogMel(known, kaldi, { iterations: 2, seed: 3 })).toEqual(
    invertLogMel(known, kaldi, { iterations: 2, seed: 3 }),
  );
});

it("refuses another number of bins, and NaN", () => {
  expect(() => invertLogMel(float32([20, 64]), kaldi)).toThrow("axis 1 (M) is 64, not 128");
  const broken = float32([20, 128]);
  broken.data[7] = Number.NaN;
  expect(() => invertLogMel(broken, kaldi)).toThrow("invertLogMel: the spectrogram holds NaN");
});
