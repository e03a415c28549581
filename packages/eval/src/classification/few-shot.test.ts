import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { type Matrix, matrix } from "../matrix.js";
import { fewShot } from "./few-shot.js";
import { knnProbe, neighbourVotes } from "./nearest-neighbours.js";

const kinds = ["bell", "drum", "flute"];
const rng = createRng("few shot");

/** Rows around one direction per kind; strength 0 is no direction at all. */
function rows(count: number, strength: number): { features: Matrix; labels: Int32Array } {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const features = matrix(count, 7);
  for (let i = 0; i < features.data.length; i++) {
    features.data[i] = rng.normal() + (i % 7 === labels[Math.floor(i / 7)] ? strength : 0);
  }
  return { features, labels };
}

describe("the nearest training clips vote", () => {
  it("with weights that fall with the angle, as counted by hand", () => {
    const train = { features: matrix(3, 2, Float32Array.of(1, 0, 0, 1, 5, 0)), labels: [0, 1, 2] };
    const votes = neighbourVotes(kinds, train, matrix(1, 2, Float32Array.of(2, 0)), { k: 2, temperature: 0.5 });
    // Cosines 1, 0, 1: the two nearest are the first and the third, alike.
    expect([...votes.data]).toEqual([0.5, 0, 0.5]);
    const all = neighbourVotes(kinds, train, matrix(1, 2, Float32Array.of(2, 0)), { k: 9, temperature: 0.5 });
    const far = Math.exp(-2);
    expect(all.data[1]).toBeCloseTo(far / (2 + far), 6);
  });

  it("tell kinds apart where features do, and guess where they do not", () => {
    const apart = knnProbe({ kinds, train: rows(90, 3), test: rows(60, 3) });
    expect(apart.accuracy).toBeGreaterThan(0.8);
    expect(apart.protocol.name).toBe("knn-probe-joint");
    const blind = Array.from(
      { length: 20 },
      () => knnProbe({ kinds, train: rows(90, 0), test: rows(60, 0), intervals: { resamples: 1 } }).accuracy,
    );
    expect(blind.reduce((sum, value) => sum + value, 0) / 20).toBeCloseTo(1 / 3, 1);
  });

  it("refuse a k that is none", () => {
    expect(() => neighbourVotes(kinds, rows(9, 1), rows(3, 1).features, { k: 0 })).toThrow(
      "k is 0 and the temperature",
    );
  });
});

describe("few shots", () => {
  it("get better with more of them, beside a guess", () => {
    const result = fewShot({ kinds, train: rows(90, 2.5), test: rows(90, 2.5), episodes: 60 });
    expect(result.shots.map(({ shots }) => shots)).toEqual([1, 2, 5, 10]);
    const values = result.shots.map(({ accuracy }) => accuracy);
    expect([...values].sort((a, b) => a - b)).toEqual(values);
    expect(values[0]).toBeGreaterThan(result.chance + 0.1);
    for (const { interval, accuracy, episodes } of result.shots) {
      expect(episodes).toHaveLength(60);
      expect(interval.low < accuracy && accuracy < interval.high).toBe(true);
    }
  });

  it("are a guess where features say nothing", () => {
    const blind = fewShot({ kinds, train: rows(90, 0), test: rows(300, 0), episodes: 60 });
    for (const { accuracy } of blind.shots) expect(accuracy).toBeCloseTo(blind.chance, 1);
  });

  it("are of as many recordings: of two of a kind, two shots are one window of each", () => {
    // Windows of one recording are copies, so that two shots are the same whichever windows are drawn.
    const [one, test] = [rows(6, 1), rows(60, 1)];
    const clips = Array.from({ length: 18 }, (_, clip) => clip % 6);
    const features = matrix(
      18,
      7,
      Float32Array.from(clips.flatMap((clip) => [...one.features.data.subarray(7 * clip, 7 * clip + 7)])),
    );
    const train = { features, labels: clips.map((clip) => one.labels[clip]) };
    const drawn = (recordings?: readonly number[]) =>
      fewShot({ kinds, train: { ...train, recordings }, test, shots: [2, 3], episodes: 30 });
    const { shots, warnings } = drawn(clips);
    expect(new Set(shots[0].episodes).size).toBe(1);
    expect(warnings).toEqual(["3 shots are left out: the rarest kind has 2 recordings of training clips"]);
    expect(new Set(drawn().shots[0].episodes).size).toBeGreaterThan(2);
    expect(fewShot({ kinds, train: one, test, shots: [2], episodes: 1 }).shots[0].accuracy).toBeCloseTo(
      shots[0].accuracy,
      12,
    );
  });

  it("leave out what the rarest kind has not, in words", () => {
    const few = fewShot({ kinds, train: rows(7, 2), test: rows(9, 2), episodes: 5 });
    expect(few.shots.map(({ shots }) => shots)).toEqual([1, 2]);
    expect(few.warnings).toEqual(["5, 10 shots are left out: the rarest kind has 2 training clips"]);
    expect(() => fewShot({ kinds, train: rows(7, 2), test: rows(9, 2), shots: [3] })).toThrow(
      "3 shots were asked for and the rarest kind has 2 training clips",
    );
  });
});
