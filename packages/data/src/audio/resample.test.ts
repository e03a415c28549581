import type { Waveform } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { createResampler, resample } from "./resample.js";

const tone = (hertz: number, sampleRate: number, seconds: number): Waveform => ({
  sampleRate,
  samples: Float32Array.from({ length: Math.round(sampleRate * seconds) }, (_, n) =>
    Math.sin((2 * Math.PI * hertz * n) / sampleRate + 0.3),
  ),
});
/** Largest difference, away from the ends where a filter sees silence. */
const worst = (a: Waveform, b: Waveform) =>
  a.samples.reduce(
    (most, value, n) => (n < 100 || n > a.samples.length - 100 ? most : Math.max(most, Math.abs(value - b.samples[n]))),
    0,
  );

describe("resample", () => {
  it.each([
    [44100, 16000],
    [22050, 16000],
    [8000, 16000],
    [48000, 16000],
    [16000, 11025],
  ])("keeps a tone below both Nyquist frequencies, %i to %i Hz", (from, to) => {
    const got = resample(tone(1234, from, 0.25), to);
    expect(got.sampleRate).toBe(to);
    expect(got.samples.length).toBe(Math.ceil(Math.round(from * 0.25) * (to / from)));
    expect(worst(got, tone(1234, to, 0.25))).toBeLessThan(2e-3);
  });

  it("removes a tone that the lower rate cannot hold", () => {
    const got = resample(tone(9500, 44100, 0.25), 16000);
    expect(worst(got, { sampleRate: 16000, samples: new Float32Array(got.samples.length) })).toBeLessThan(2e-3);
  });

  it("leaves the same rate alone and refuses what is no rate", () => {
    const same = tone(100, 16000, 0.1);
    expect(resample(same, 16000)).toBe(same);
    expect(() => resample(same, 0)).toThrow("resample: cannot go from 16000 Hz to 0 Hz");
  });

  it.each([
    [44_100, 16_000],
    [48_000, 16_000],
    [11_025, 16_000],
    [16_000, 16_000],
  ])("in parts, from %i Hz to %i Hz, gives the same samples", (from, to) => {
    const samples = Float32Array.from({ length: 9973 }, (_, t) => Math.sin(t / 5) + Math.cos(t / 17));
    const resampler = createResampler(from, to);
    const parts: number[] = [];
    for (let at = 0, size = 1; at < samples.length; at += size, size = (7 * size) % 1009) {
      parts.push(...resampler.add(samples.slice(at, at + size)));
    }
    // Little is held back.
    expect(parts.length).toBeGreaterThan((9973 * to) / from - 100);
    parts.push(...resampler.end());
    expect(parts).toEqual([...resample({ samples, sampleRate: from }, to).samples]);
  });
});
