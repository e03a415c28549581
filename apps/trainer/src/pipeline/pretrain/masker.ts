import { complementaryViews, type Masker, randomViews, structuredViews } from "@kdc-mae/masking";
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
