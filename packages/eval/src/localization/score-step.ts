import { type Box, KdcError, type Rng } from "@kdc-mae/core";
import { expectMatrix, type Matrix } from "../matrix.js";
import { boxMask, centreBox, type Size } from "./box.js";
import { pixelAveragePrecision, type Scoring } from "./scoring.js";
import { gridCoverage, similarityMap } from "./similarity-map.js";

/** A sound and a picture as a model embeds them. */
type Embedded = {
  /** Mean audio embedding, `[D]`. */
  readonly audio: Float32Array;
  /** Visual tokens, `[N, D]`. */
  readonly visual: Matrix;
};

/** A heat map of one's own, the highest where the sound is seen. */
type Mapped = {
  /** `[rows, columns]`, any finite numbers, over the whole scored picture. */
  readonly map: Matrix;
  /** How sure it is that a visible source sounds; default the map's highest value. */
  readonly confidence?: number;
};

/** One sound with one picture: a clip, or one time step of a clip. */
export type LocalizationStep = (Embedded | Mapped) & {
  /**
   * The sounding object's boxes in pixels of the scored picture; `undefined` for one that the crop has cut away. None
   * for silence or off-screen sound: with no box, the step asks whether the model sees that there is nothing.
   */
  readonly boxes: readonly (Box | undefined)[];
};

/** The grid that maps are drawn on and the picture everything is scored in. */
export type MapSizes = {
  /** Needed for tokens; default that of the map. */
  readonly grid?: { readonly rows: number; readonly columns: number };
  readonly picture: Size;
};

/** What one step scores. Overlaps are 0–1. */
export type StepScores = {
  /** Highest cosine of the map, or what was given with it. */
  readonly confidence: number;
  /** Undefined where nothing visible sounds. */
  readonly overlaps: Overlaps | undefined;
};

/** How much a map, and each thing it is compared with, overlaps the true boxes at one moment, 0 to 1. */
export type Overlaps = {
  readonly model: number;
  readonly pixelAP: number;
  /** Box in the centre with half the frame's side. */
  readonly centreBox: number;
  /** Box in the centre with half the frame's area, as much as the median region predicts. */
  readonly centreHalfArea: number;
  /** The best a map on this grid can do: each patch holds its true coverage. */
  readonly oracle: number;
  /** Random numbers in place of the map. */
  readonly random: number;
  readonly randomPixelAP: number;
  /** Share of the frame that the truth covers. */
  readonly area: number;
};

/** Sides of the two centre boxes, as shares of the frame's sides. */
export const centreSides = { centreBox: 0.5, centreHalfArea: Math.SQRT1_2 } as const;

/** The map of a step, the grid it lies on, and how sure it is. */
function mapOf(step: LocalizationStep, grid: MapSizes["grid"]) {
  if ("map" in step) {
    const { map } = step;
    const { R, C } = expectMatrix("localization", "map", map, "R C");
    if (R * C === 0)
      throw noGrid(`a heat map has shape [${R}, ${C}]`, "Give one number for every place of the picture");
    return { map, grid: grid ?? { rows: R, columns: C }, confidence: step.confidence };
  }
  if (grid === undefined) {
    throw noGrid("tokens were given and no grid that they lie on", "Give grid: { rows, columns } of the visual tokens");
  }
  return { map: similarityMap(step.audio, step.visual, grid), grid, confidence: undefined };
}

const noGrid = (what: string, remedy: string) => new KdcError({ where: "localization", what, remedy, reason: "shape" });

/**
 * Scores one step; undefined where it has boxes but none reaches into the picture.
 *
 * @param rng draws the random map it is scored beside
 */
export function scoreStep(
  step: LocalizationStep,
  { grid: given, picture }: MapSizes,
  scoring: Scoring,
  rng: Rng,
): StepScores | undefined {
  const {
    map,
    grid,
    confidence = map.data.reduce((most, value) => Math.max(most, value), -Infinity),
  } = mapOf(step, given);
  if (step.boxes.length === 0) return { confidence, overlaps: undefined };
  const truth = boxMask(
    step.boxes.filter((box) => box !== undefined),
    picture,
  );
  const area = truth.data.reduce((sum, value) => sum + value, 0) / truth.data.length;
  if (area === 0) return undefined;
  const overlapOf = (enlarged: Matrix) => scoring.overlap(scoring.region(enlarged), truth);
  const ofCentre = (side: number) => scoring.overlap(boxMask([centreBox(side, picture)], picture), truth);
  const enlarged = scoring.enlarge(map, picture);
  const noise = { shape: [grid.rows, grid.columns], data: new Float32Array(grid.rows * grid.columns) };
  for (let place = 0; place < noise.data.length; place++) noise.data[place] = rng.normal();
  const random = scoring.enlarge(noise, picture);
  return {
    confidence,
    overlaps: {
      model: overlapOf(enlarged),
      pixelAP: pixelAveragePrecision(enlarged, truth),
      centreBox: ofCentre(centreSides.centreBox),
      centreHalfArea: ofCentre(centreSides.centreHalfArea),
      oracle: overlapOf(scoring.enlarge(gridCoverage(truth, grid), picture)),
      random: overlapOf(random),
      randomPixelAP: pixelAveragePrecision(random, truth),
      area,
    },
  };
}
