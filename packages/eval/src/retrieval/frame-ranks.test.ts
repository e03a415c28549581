import { describe, expect, it } from "vitest";
import { matrix } from "../matrix.js";
import { findProtocol } from "../protocol.js";
import { protocols } from "../protocols.js";
import { type FrameReduction, frameRanks } from "./frame-ranks.js";
import { crossModalRanks } from "./ranks.js";
import { retrieval } from "./retrieval.js";

// Five clips of three frames, D 4, and what get_agg_sim_mat of CAV-MAE Sync's retrieval.py makes of them: how many of
// the gallery are strictly more similar than the right one, sound to picture and picture to sound.
const rows = (values: readonly number[]) => matrix(15, 4, Float32Array.from(values));
const audio = rows([
  ...[
    -0.65, -0.17, 1.66, 0.66, -1.64, -0.01, -0.62, 0.15, -1.61, 0.24, 0.24, 1.58, 0.32, 0.51, -1.49, 2.25, -1.92, 1.1,
  ],
  ...[-0.33, -0.88, -0.66, -0.67, 0.38, -0.11, 1.48, -1.83, -0.0, -0.89, 0.78, -2.12, -0.34, 0.21, -1.48, 0.99, 0.18],
  ...[1.01, 0.96, -0.98, -0.8, -0.2, 0.75, 0.85, -0.71, -0.61, -0.8, -0.58, -0.24, -0.13, 2.06, -0.51, -0.29, 0.46],
  ...[-0.95, -0.37, 0.01, 0.77, -1.32, 1.37, -0.35, 0.17],
]);
const visual = rows([
  ...[0.52, 0.58, 1.89, 0.5, -0.84, 0.31, -1.31, 1.29, -1.58, -1.14, 2.18, 0.65, -1.02, 2.11, -1.07, 2.19, -1.79, 0.3],
  ...[-1.85, -2.35, -1.31, -0.41, 0.99, 2.37, -0.29, 0.09, -0.6, -0.6, -1.09, -2.54, -0.95, -1.09, -0.74, -0.21, 1.34],
  ...[0.66, 0.65, 0.65, 0.12, -0.14, 0.28, 0.3, 0.72, 0.48, -0.03, 0.51, -0.66, 0.45, -0.38, 1.09, -0.05, 0.41, 0.12],
  ...[-0.19, -0.25, 1.57, -0.54, -0.23, 0.26, -1.62],
]);
const references: readonly (readonly [FrameReduction, readonly number[], readonly number[]])[] = [
  ["max", [1, 3, 2, 1, 0], [0, 3, 3, 1, 0]],
  ["mean", [0, 0, 0, 3, 2], [0, 1, 3, 3, 2]],
  ["diagonal", [0, 0, 0, 3, 2], [0, 0, 0, 3, 1]],
  ["diagonal-max", [1, 1, 1, 4, 2], [1, 1, 1, 4, 0]],
];

describe("frameRanks", () => {
  it.each(references)("ranks clips as CAV-MAE Sync's script does: %s", async (reduce, forward, backward) => {
    const { audioToVisual, visualToAudio } = await frameRanks({ audio, visual, frames: 3 }, reduce);
    expect([[...audioToVisual.rank], [...visualToAudio.rank]]).toEqual([forward, backward]);
  });

  it.each(["max", "mean", "diagonal", "diagonal-max"] as const)(
    "of one frame is plain retrieval: %s",
    async (reduce) => {
      const ranks = await frameRanks({ audio, visual, frames: 1 }, reduce);
      const plain = crossModalRanks(audio, visual);
      for (const direction of ["audioToVisual", "visualToAudio"] as const) {
        expect(ranks[direction].rank).toEqual(plain[direction].rank);
      }
    },
  );

  it("gives the same for galleries of many blocks", async () => {
    const [clips, frames, D] = [701, 2, 3];
    const at = (shift: number) =>
      matrix(
        clips * frames,
        D,
        Float32Array.from({ length: clips * frames * D }, (_, i) => Math.sin(shift + 1.7 * i * i)),
      );
    const given = { audio: at(0), visual: at(0.3), frames };
    const { audioToVisual } = await frameRanks(given, "max");
    const unit = (m: ReturnType<typeof at>, row: number) => {
      const values = [...m.data.subarray(row * D, (row + 1) * D)];
      const length = Math.hypot(...values);
      return values.map((value) => value / length);
    };
    const best = (one: number, other: number) =>
      Math.max(
        ...[0, 1].flatMap((f) =>
          [0, 1].map((g) => {
            const [left, right] = [unit(given.audio, 2 * one + f), unit(given.visual, 2 * other + g)];
            return left.reduce((sum, value, k) => sum + value * right[k], 0);
          }),
        ),
      );
    for (const query of [0, 350, 700]) {
      const own = best(query, query);
      const above = Array.from({ length: clips }, (_, other) => best(query, other)).filter((one) => one > own + 1e-6);
      expect(Math.abs(audioToVisual.rank[query] - above.length)).toBeLessThanOrEqual(1);
    }
  });

  it("refuses clips of other numbers of frames", async () => {
    await expect(frameRanks({ audio, visual, frames: 4 }, "mean")).rejects.toThrow(
      "do not make clips of 4 frames each",
    );
  });

  it("refuses sound and pictures of other widths", async () => {
    const given = {
      audio: matrix(2, 3, new Float32Array(6).fill(1)),
      visual: matrix(2, 4, new Float32Array(8).fill(1)),
    };
    await expect(frameRanks({ ...given, frames: 1 }, "max")).rejects.toMatchObject({ reason: "shape" });
  });

  it("has intervals over clips: as many as there are ranks", async () => {
    const ranks = await frameRanks({ audio, visual, frames: 3 }, "max");
    const protocol = findProtocol(protocols, "retrieval-frames-max");
    const { evaluated, audioToVisual } = retrieval({ audio, visual, ranks, protocol });
    expect([evaluated, audioToVisual.ranks.length, audioToVisual.r1]).toEqual([5, 5, 0.2]);
    expect(protocol.pooling).toContain("the largest of all F × F cosines of their frames");
    expect(findProtocol(protocols, "retrieval-frames-diagonal-global").pooling).toContain("the global audio token");
  });
});
