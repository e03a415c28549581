import { countPatches } from "@kdc-mae/core";
import { expectViews, type Masker, type MaskRatio, viewsFromDecks, visibleCounts } from "./masker.js";

/**
 * The method's masks: V views whose visible patches are disjoint, dealt off one shuffled deck per modality. With two
 * views at ratio 0.75 each sees a quarter and half the patches are hidden from both.
 *
 * @throws KdcError for a number of views or a ratio that cannot be, and where V·K patches are more than there are;
 * ratios are checked when a clip's grids are known
 *
 * @example
 * ```ts
 * import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
 * import { complementaryViews } from "@kdc-mae/masking";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const [first, second] = complementaryViews()(grids, createRng(1)); // share no patch
 * ```
 */
export function complementaryViews(options: { readonly views?: number; readonly ratio?: MaskRatio } = {}): Masker {
  const { views = 2, ratio = 0.75 } = options;
  expectViews("complementaryViews", views);
  return (grids, rng) => {
    const visible = visibleCounts("complementaryViews", grids, ratio);
    const audio = rng.fork("audio").permutation(countPatches(grids.audio));
    const visual = rng.fork("visual").permutation(countPatches(grids.visual));
    return viewsFromDecks({ audio, visual }, visible, views);
  };
}
