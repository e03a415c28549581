import { complementaryViews, type Masker, randomViews, structuredViews } from "@kdc-mae/masking";
import type { CheckedExperiment } from "../experiment/schema.js";

/** The masker an experiment describes. */
export function maskerFor({ masking }: CheckedExperiment): Masker {
  const { kind, views, audioRatio, visualRatio, audioStructure } = masking;
  const ratio = { audio: audioRatio, visual: visualRatio };
  if (audioStructure !== "none") {
    return structuredViews({ axis: audioStructure, views, ratio, disjoint: kind === "complementary" });
  }
  return kind === "complementary" ? complementaryViews({ views, ratio }) : randomViews({ views, ratio });
}
