import type { Box } from "@kdc-mae/core";
import type { Matrix } from "../matrix.js";
import { boxMask, centreBox, type Size } from "./box.js";
import { pixelAveragePrecision, type Scoring } from "./scoring.js";
import { gridCoverage, similarityMap } from "./similarity-map.js";

/** One sound with one picture: a clip, or one time step of a clip. */
export type LocalizationStep = {
  /** Mean audio embedding, `[D]`. */
  readonly audio: Float32Array;
  /** Visual tokens, `[N, D]`. */
  readonly visual: Matrix;
  /** The sounding object's boxes in pixels of the scored picture; none for silence or off-screen sound. */
  readonly boxes: readonly Box[];
};

/** The grid of the visual tokens and the picture everything is scored in. */
export type MapSizes = { readonly grid: { readonly rows: number; readonly columns: number }; readonly picture: Size };

/** What one step scores. Overlaps are 0–1. */
export type StepScores = {
  /** Highest cosine of the map. */
  readonly confidence: number;
  /** Undefined where nothing visible sounds. */
  readonly overlaps: Overlaps | undefined;
};

export type Overlaps = {
  readonly model: number;
  readonly pixelAP: number;
  /** Box in the centre with half the frame's side. */
  readonly centreBox: number;
  /** Box in the centre with half the frame's area, as much as the median region predicts. */
  readonly centreHalfArea: number;
  /** The best a map on this grid can do: each patch holds its true coverage. */
  readonly oracle: number;
  /** Share of the frame that the truth covers. */
  readonly area: number;
};

/** Sides of the two centre boxes, as shares of the frame's sides. */
export const centreSides = { centreBox: 0.5, centreHalfArea: Math.SQRT1_2 } as const;

/** Scores one step; undefined where it has boxes but none reaches into the picture. */
export function scoreStep(
  { audio, visual, boxes }: LocalizationStep,
  { grid, picture }: MapSizes,
  scoring: Scoring,
): StepScores | undefined {
  const map = similarityMap(audio, visual, grid);
  const confidence = map.data.reduce((most, value) => Math.max(most, value), -Infinity);
  if (boxes.length === 0) return { confidence, overlaps: undefined };
  const truth = boxMask(boxes, picture);
  const area = truth.data.reduce((sum, value) => sum + value, 0) / truth.data.length;
  if (area === 0) return undefined;
  const enlarged = scoring.enlarge(map, picture);
  const ofMap = (cells: Matrix) => scoring.overlap(scoring.region(scoring.enlarge(cells, picture)), truth);
  const ofCentre = (side: number) => scoring.overlap(boxMask([centreBox(side, picture)], picture), truth);
  return {
    confidence,
    overlaps: {
      model: scoring.overlap(scoring.region(enlarged), truth),
      pixelAP: pixelAveragePrecision(enlarged, truth),
      centreBox: ofCentre(centreSides.centreBox),
      centreHalfArea: ofCentre(centreSides.centreHalfArea),
      oracle: ofMap(gridCoverage(truth, grid)),
      area,
    },
  };
}
