import { type ClipGrids, type ClipView, createRng } from "@kdc-mae/core";
import { complementaryViews, type Masker, randomViews, structuredViews } from "@kdc-mae/masking";

/** What the controls say. */
export type ViewChoice = {
  readonly views: number;
  readonly ratio: { readonly audio: number; readonly visual: number };
  readonly kind: "complementary" | "independent";
  readonly structure: "none" | "time" | "frequency" | "time-frequency";
  readonly seed: number;
};

const maskerOf = ({ views, ratio, kind, structure }: ViewChoice): Masker => {
  const disjoint = kind === "complementary";
  if (structure !== "none") return structuredViews({ axis: structure, views, ratio, disjoint });
  return disjoint ? complementaryViews({ views, ratio }) : randomViews({ views, ratio });
};

/** The views of a choice: those that `masker(grids, createRng(seed))` gives anywhere. */
export const viewsOf = (choice: ViewChoice, grids: ClipGrids): readonly ClipView[] =>
  maskerOf(choice)(grids, createRng(choice.seed));
