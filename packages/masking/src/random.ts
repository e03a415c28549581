import { countPatches } from "@kdc-mae/core";
import { expectViews, type Masker, type MaskRatio, viewsFromDecks, visibleCounts } from "./masker.js";

/**
 * V independent views: each is drawn from its own shuffle, so two views may see the same patch.
 *
 * @throws KdcError for a number of views or a ratio that cannot be; ratios are checked when a clip's grids are known
 *
 * @example
 * ```ts
 * import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
 * import { randomViews } from "@kdc-mae/masking";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const [view] = randomViews({ views: 1 })(grids, createRng(1));
 * ```
 */
export function randomViews(options: { readonly views?: number; readonly ratio?: MaskRatio } = {}): Masker {
  const { views = 2, ratio = 0.75 } = options;
  expectViews("randomViews", views);
  return (grids, rng) => {
    const visible = visibleCounts("randomViews", grids, ratio);
    return Array.from({ length: views }, (_, view) => {
      const audio = rng.fork(`audio-${view}`).permutation(countPatches(grids.audio));
      const visual = rng.fork(`visual-${view}`).permutation(countPatches(grids.visual));
      return viewsFromDecks({ audio, visual }, visible, 1)[0];
    });
  };
}
