import { readFileSync } from "node:fs";
import { createRng, float32 } from "@kdc-mae/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { denormalizeSpectrogram, logMel, normalizeSpectrogram, padFrames } from "./log-mel.js";

type Case = { sampleRate: number; pcm16: number[]; frames: number; melBins: number; fbank: number[] };
const reference: { cases: Record<string, Case> } = JSON.parse(
  readFileSync(new URL("../../../../fixtures/fbank/fbank.json", import.meta.url), "utf8"),
);
const kaldi = { sampleRate: 16000, melBins: 128, frameLengthMs: 25, frameShiftMs: 10 };
const noise = (length: number) => {
  const rng = createRng("noise");
  return Float32Array.from({ length }, () => rng.normal() / 10);
};

afterEach(() => vi.unstubAllGlobals());

describe("logMel", () => {
  const kernels = { WebAssembly: (globalThis as { WebAssembly?: unknown }).WebAssembly, "plain code": undefined };
  const cases = Object.entries(reference.cases).flatMap(([name, known]) =>
    Object.entries(kernels).map(([kernel, host]) => ({ name, known, kernel, host })),
  );

  it.each(cases)("equals torchaudio's fbank within 1e-3 at every value: $name in $kernel", ({ known, host }) => {
    vi.stubGlobal("WebAssembly", host);
    const samples = Float32Array.from(known.pcm16, (value) => value / 32768);
    const { sampleRate, melBins } = known;
    const got = logMel({ samples, sampleRate }, { ...kaldi, sampleRate, melBins });
    expect(got.shape).toEqual([known.frames, melBins]);
    expect(got.data.length).toBe(known.fbank.length);
    const worst = known.fbank.reduce((most, value, at) => Math.max(most, Math.abs(value - got.data[at])), 0);
    expect(worst).toBeLessThan(1e-3);
  });

  it("gives 998 frames for 10 s, each from its own 25 ms", () => {
    const samples = noise(160000);
    const whole = logMel({ samples, sampleRate: 16000 }, kaldi);
    expect(whole.shape).toEqual([998, 128]);
    const one = logMel({ samples: samples.slice(997 * 160, 997 * 160 + 400), sampleRate: 16000 }, { ...kaldi });
    expect(one.shape).toEqual([1, 128]);
    for (const [m, value] of one.data.entries()) expect(whole.data[997 * 128 + m]).toBeCloseTo(value, 3);
  });

  it("does not see a constant added to the sound", () => {
    const samples = noise(1234);
    const raised = samples.map((value) => value + 0.25);
    const [a, b] = [samples, raised].map((s) => logMel({ samples: s, sampleRate: 16000 }, kaldi).data);
    for (const [index, value] of a.entries()) expect(b[index]).toBeCloseTo(value, 3);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses a sound with a sample of %s, and says where", (wrong) => {
    const samples = noise(1234);
    samples[800] = wrong;
    expect(() => logMel({ samples, sampleRate: 16000 }, kaldi)).toThrow(
      `logMel: the sound is ${wrong} at 0.050 s. Give finite samples`,
    );
  });

  it("refuses another rate and a sound shorter than a frame, saying what to do", () => {
    expect(() => logMel({ samples: noise(800), sampleRate: 8000 }, kaldi)).toThrow(
      "logMel: the waveform has 8000 Hz and the options say 16000 Hz. Resample it first: resample(waveform, 16000)",
    );
    expect(() => logMel({ samples: noise(399), sampleRate: 16000 }, kaldi)).toThrow(
      "the waveform has 399 samples and one analysis frame needs 400 at 16000 Hz",
    );
  });
});

describe("padFrames and normalizeSpectrogram", () => {
  const spectrogram = float32(
    [3, 5],
    Float32Array.from({ length: 15 }, (_, index) => index + 1),
  );

  it("pads with zeros at the end and cuts at the end", () => {
    expect(Array.from(padFrames(spectrogram, 4).data)).toEqual([...spectrogram.data, 0, 0, 0, 0, 0]);
    expect(padFrames(spectrogram, 2)).toEqual(float32([2, 5], spectrogram.data.slice(0, 10)));
  });

  it("normalises by constants and back", () => {
    const normal = normalizeSpectrogram(spectrogram, -5.081, 4.4849);
    expect(normal.data[0]).toBeCloseTo((1 + 5.081) / 4.4849, 6);
    const back = denormalizeSpectrogram(normal, -5.081, 4.4849);
    expect(back.shape).toEqual([3, 5]);
    for (const [index, value] of back.data.entries()) expect(value).toBeCloseTo(spectrogram.data[index], 5);
  });
});
