import { audioGrid, type ClipGrids, createRng, visualGrid } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { complementaryViews } from "./complementary.js";
import type { Masker } from "./masker.js";
import { randomViews } from "./random.js";
import { structuredViews } from "./structured.js";

const grids: ClipGrids = { audio: audioGrid(16 * 7, 128, 16), visual: visualGrid(16 * 5, 16) };

/** The visual and audio positions that each view of the five masks of seed 2024 sees. */
const visible = (masker: Masker) =>
  [0, 1, 2, 3, 4].map((clip) =>
    masker(grids, createRng(2024).fork(clip)).map((view) => [[...view.audio.visible], [...view.visual.visible]]),
  );

const maskers: Record<string, Masker> = {
  complementary: complementaryViews({ views: 2, ratio: { audio: 0.9, visual: 0.8 } }),
  random: randomViews({ views: 2, ratio: { audio: 0.9, visual: 0.8 } }),
  "time-frequency": structuredViews({ axis: "time-frequency", ratio: { audio: 0.9, visual: 0.8 } }),
};

/** Written once by this code; they must never change, on any machine. */
const committed: Record<string, unknown> = {
  complementary: [
    [
      [
        [18, 22, 39, 29, 48],
        [4, 8, 10, 1],
      ],
      [
        [51, 35, 9, 44, 10],
        [19, 21, 11, 12],
      ],
    ],
    [
      [
        [45, 31, 33, 26, 1],
        [10, 11, 4, 3],
      ],
      [
        [30, 21, 48, 36, 7],
        [7, 17, 14, 21],
      ],
    ],
    [
      [
        [42, 13, 8, 0, 11],
        [13, 5, 8, 10],
      ],
      [
        [19, 3, 54, 41, 36],
        [2, 14, 24, 17],
      ],
    ],
    [
      [
        [11, 19, 44, 27, 25],
        [12, 2, 20, 22],
      ],
      [
        [8, 37, 49, 29, 31],
        [11, 17, 15, 9],
      ],
    ],
    [
      [
        [6, 34, 17, 30, 55],
        [4, 14, 2, 11],
      ],
      [
        [29, 4, 45, 32, 14],
        [15, 10, 16, 6],
      ],
    ],
  ],
  random: [
    [
      [
        [36, 41, 26, 27, 20],
        [5, 16, 8, 4],
      ],
      [
        [49, 11, 55, 43, 36],
        [11, 10, 1, 2],
      ],
    ],
    [
      [
        [40, 25, 34, 49, 20],
        [3, 20, 1, 11],
      ],
      [
        [52, 55, 24, 30, 8],
        [9, 14, 3, 11],
      ],
    ],
    [
      [
        [36, 29, 14, 8, 50],
        [4, 13, 16, 0],
      ],
      [
        [45, 32, 11, 14, 9],
        [12, 21, 3, 15],
      ],
    ],
    [
      [
        [47, 38, 7, 24, 44],
        [1, 3, 24, 10],
      ],
      [
        [22, 24, 16, 33, 50],
        [2, 0, 13, 12],
      ],
    ],
    [
      [
        [52, 10, 19, 47, 36],
        [15, 8, 3, 24],
      ],
      [
        [17, 42, 2, 8, 4],
        [15, 5, 23, 12],
      ],
    ],
  ],
  "time-frequency": [
    [
      [
        [35, 14, 17, 38, 0],
        [4, 8, 10, 1],
      ],
      [
        [23, 9, 13, 27, 34],
        [19, 21, 11, 12],
      ],
    ],
    [
      [
        [22, 8, 9, 23, 30],
        [10, 11, 4, 3],
      ],
      [
        [14, 0, 6, 20, 55],
        [7, 17, 14, 21],
      ],
    ],
    [
      [
        [30, 2, 28, 0, 23],
        [13, 5, 8, 10],
      ],
      [
        [47, 40, 39, 46, 18],
        [2, 14, 24, 17],
      ],
    ],
    [
      [
        [3, 31, 33, 5, 54],
        [12, 2, 20, 22],
      ],
      [
        [39, 25, 21, 35, 7],
        [11, 17, 15, 9],
      ],
    ],
    [
      [
        [10, 52, 49, 7, 24],
        [4, 14, 2, 11],
      ],
      [
        [6, 34, 30, 2, 44],
        [15, 10, 16, 6],
      ],
    ],
  ],
};

describe("five masks of one seed are the same on every machine", () => {
  for (const [name, masker] of Object.entries(maskers)) {
    it(name, () => expect(visible(masker)).toEqual(committed[name]));
  }
});
