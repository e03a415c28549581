import { describe, expect, it } from "vitest";
import type { Found } from "./clip-store.js";
import { momentsOf } from "./moments.js";

const found = (file: string, start: number, cosine: number, seconds = 10): Found => ({
  clip: { file, start, end: start + seconds, size: 1, modified: 1, streams: ["audio"], last: false },
  cosine,
});
const inWords = (moments: ReturnType<typeof momentsOf>) =>
  moments.map(({ file, start, end, best, cosine }) => [file, start, end, best.start, cosine]);

describe("momentsOf", () => {
  it("joins neighbours of one file, whichever comes first", () => {
    const all = [
      found("a", 20, 0.9),
      found("b", 30, 0.8),
      found("a", 40, 0.7),
      found("a", 30, 0.6),
      found("a", 0, 0.5),
    ];
    expect(inWords(momentsOf(all, 5))).toEqual([
      ["a", 20, 50, 20, 0.9],
      ["b", 30, 40, 30, 0.8],
      ["a", 0, 10, 0, 0.5],
    ]);
  });

  it("joins two moments by what lies between them, and keeps the nearest", () => {
    const all = [found("a", 0, 0.9), found("a", 20, 0.8), found("a", 25, 0.7), found("a", 10, 0.6)];
    expect(inWords(momentsOf(all, 4))).toEqual([["a", 0, 35, 0, 0.9]]);
  });

  it("keeps a film in moments when all of it was found", () => {
    const film = Array.from({ length: 30 }, (_, at) => found("film", 10 * at, 1 - Math.abs(at - 12) / 30));
    film.sort((a, b) => b.cosine - a.cosine);
    const moments = momentsOf(film, 3);
    expect(moments[0]).toMatchObject({ start: 110, end: 140, best: { start: 120 } });
    expect(moments.length).toBeGreaterThan(5);
  });
});
