import { type ClipGrids, countPatches, createRng } from "@kdc-mae/core";
import {
  adaptiveViews,
  clipNoise,
  complementaryViews,
  type Masker,
  randomViews,
  structuredViews,
} from "@kdc-mae/masking";
import type { CheckedExperiment } from "../experiment/schema.js";

/**
 * The masker an experiment describes; none where a network draws the views, which it can only once it has seen the clips.
 */
export function maskerFor({ masking }: Pick<CheckedExperiment, "masking">): Masker | undefined {
  const { kind, views, audioRatio, visualRatio, audioStructure } = masking;
  const ratio = { audio: audioRatio, visual: visualRatio };
  if (kind === "adaptive") return undefined;
  if (audioStructure !== "none") {
    return structuredViews({ axis: audioStructure, views, ratio, disjoint: kind === "complementary" });
  }
  return kind === "complementary" ? complementaryViews({ views, ratio }) : randomViews({ views, ratio });
}

/** Draws the one view that the contrast has for itself; none where it has none, or where a teacher draws it. */
export function contrastMaskerFor({ masking: { contrast } }: Pick<CheckedExperiment, "masking">): Masker | undefined {
  if (contrast === undefined || contrast.by === "teacher") return undefined;
  return randomViews({ views: 1, ratio: { audio: contrast.audioRatio, visual: contrast.visualRatio } });
}

/**
 * Deals the views of a clip that is not there, as every clip's will be.
 *
 * @throws KdcError where views cannot be dealt so: more patches than there are, or none seen or hidden
 */
export function expectDealt({ masking }: Pick<CheckedExperiment, "masking">, grids: ClipGrids): void {
  const rng = createRng("no clip");
  const drawn = (views: number, { audioRatio, visualRatio }: { audioRatio: number; visualRatio: number }) => {
    const even = (grid: ClipGrids["audio"]) => new Float32Array(countPatches(grid));
    const deal = adaptiveViews({ views, ratio: { audio: audioRatio, visual: visualRatio } });
    deal(grids, { audio: even(grids.audio), visual: even(grids.visual) }, clipNoise(grids, rng));
  };
  const [masker, contrast] = [maskerFor({ masking }), contrastMaskerFor({ masking })];
  if (masker === undefined) drawn(masking.views, masking);
  else masker(grids, rng);
  if (contrast !== undefined) contrast(grids, rng);
  else if (masking.contrast !== undefined) drawn(1, masking.contrast);
}
