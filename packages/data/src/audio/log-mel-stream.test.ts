import { readFile } from "node:fs/promises";
import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { logMel, publishedAudio } from "../index.js";
import { createLogMelStream } from "./log-mel-stream.js";

const rng = createRng("log-mel-stream");
/** A sweep with noise, in steps of 16 bits and off centre. */
const samples = Float32Array.from(
  { length: 48_007 },
  (_, t) => Math.round(32768 * (0.05 + 0.4 * Math.sin(t / 11 + (t / 9000) ** 2) + 0.01 * rng.normal())) / 32768,
);
const options = { ...publishedAudio };
const offline = (from: number, to: number) =>
  logMel({ samples: samples.slice(from, to), sampleRate: 16_000 }, options).data;
const apart = (a: Float32Array, b: Float32Array) => {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);
};

describe("createLogMelStream", () => {
  it.each([
    ["in step with the frames", 1600],
    ["between them", 1717],
  ])("gives what logMel gives of the same stretch, windows %s", async (_, hop) => {
    const stream = createLogMelStream(options);
    let [come, start, largest] = [0, 0, 0];
    for (let index = 0; come < samples.length; index++) {
      const part = samples.slice(come, come + 1 + ((index * 911) % 2500));
      stream.add(part);
      come += part.length;
      expect(stream.end).toBe(come);
      for (; start + 9613 <= come; start += hop) {
        const made = stream.between(start, start + 9613);
        expect(made.shape).toEqual([58, 128]);
        largest = Math.max(largest, apart(made.data, offline(start, start + 9613)));
        stream.drop(start + hop);
      }
    }
    const page = await readFile(new URL("../../../../docs/measurements/streaming.md", import.meta.url), "utf8");
    const told = Number(/Log-mel frames differ by (\S+) at most/.exec(page)?.[1]);
    expect(largest <= 1.02 * told && largest > told / 2, `${largest}, and the page says ${told}`).toBe(true);
    expect(start).toBeGreaterThan(37_000);
  });

  it("goes on after gaps that nobody asks for", () => {
    const stream = createLogMelStream(options);
    for (let at = 0; at < 32_000; at += 1000) {
      stream.add(samples.slice(at, at + 1000));
      if (at < 20_000) stream.drop(at + 1000);
    }
    expect(apart(stream.between(20_100, 30_000).data, offline(20_100, 30_000))).toBeLessThan(1e-3);
    expect(() => stream.between(20_100, 20_200)).toThrow("100 samples were asked for and one analysis frame needs 400");
  });

  it("refuses samples that are no numbers, and says when they came", () => {
    const stream = createLogMelStream(options);
    stream.add(samples.slice(0, 1600));
    expect(() => stream.add(Float32Array.of(0, Number.NaN))).toThrow("the sound is NaN at 0.100 s");
    expect(stream.end).toBe(1600);
  });
});
