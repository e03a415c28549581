import {
  type ClipGrids,
  type ClipView,
  countPatches,
  KdcError,
  type Modality,
  type Positions,
  type Rng,
} from "@kdc-mae/core";

/**
 * Draws the views of one clip. It reads forks of `rng` only, so it is a pure function of its arguments: give each
 * clip of each step its own stream, or every clip gets the same masks.
 */
export type Masker = (grids: ClipGrids, rng: Rng) => readonly ClipView[];

/** Share of patches that each view hides, for both modalities or for each. */
export type MaskRatio = number | { readonly audio: number; readonly visual: number };

/** One number or deck per modality. */
export type PerModality<Value> = { readonly audio: Value; readonly visual: Value };

/**
 * K per modality: `floor(N · (1 − ratio))` visible patches, the same rounding as the reference code.
 *
 * @throws KdcError if a ratio is not strictly between 0 and 1, or leaves no visible or no hidden patch
 */
export function visibleCounts(where: string, grids: ClipGrids, ratio: MaskRatio): PerModality<number> {
  const count = (modality: Modality): number => {
    const hiddenShare = typeof ratio === "number" ? ratio : ratio[modality];
    if (!(hiddenShare > 0 && hiddenShare < 1)) {
      throw new KdcError({
        where,
        what: `the ${modality} mask ratio is ${hiddenShare}`,
        remedy: "Use a ratio strictly between 0 and 1, such as 0.75",
        reason: "mask-ratio",
      });
    }
    const total = countPatches(grids[modality]);
    const visible = Math.floor(total * (1 - hiddenShare));
    if (visible < 1 || visible >= total) {
      throw new KdcError({
        where,
        what: `a mask ratio of ${hiddenShare} over ${total} ${modality} patches leaves ${visible} visible and ${total - visible} hidden`,
        remedy: "Use a ratio (or a grid) that leaves at least one of each",
        reason: "mask-ratio",
      });
    }
    return visible;
  };
  return { audio: count("audio"), visual: count("visual") };
}

/** @throws KdcError if the number of views is not a whole number of at least one */
export function expectViews(where: string, views: number): void {
  if (Number.isInteger(views) && views >= 1) return;
  throw new KdcError({
    where,
    what: `${views} views were asked for`,
    remedy: "Ask for a whole number of views, at least 1",
    reason: "views",
  });
}

/** Slices `views` hands of `visible` positions off one deck; what a hand lacks is hidden from it. */
function deal(modality: string, deck: Int32Array, visible: number, views: number): Positions[] {
  if (views * visible > deck.length) {
    throw new KdcError({
      where: "masking",
      what: `${views} disjoint views of ${visible} ${modality} patches each need ${views * visible}, but there are ${deck.length}`,
      remedy: "Raise the mask ratio, ask for fewer views, or let the views overlap",
      reason: "views-overlap",
    });
  }
  return Array.from({ length: views }, (_, view) => {
    const start = view * visible;
    const end = start + visible;
    const hidden = new Int32Array(deck.length - visible);
    hidden.set(deck.subarray(0, start));
    hidden.set(deck.subarray(end), start);
    return { visible: deck.slice(start, end), hidden };
  });
}

/**
 * Deals disjoint views off one shuffled deck per modality: view i sees positions `[i·K, (i+1)·K)` of each deck, in
 * the deck's order. With `views` 1 it is an ordinary random mask.
 *
 * @param decks a permutation of 0 … N−1 per modality
 * @param visible K per modality
 * @throws KdcError if `views · K` is more than a deck holds
 *
 * @example
 * ```ts
 * import { createRng } from "@kdc-mae/core";
 * import { viewsFromDecks } from "@kdc-mae/masking";
 *
 * const decks = { audio: createRng(1).permutation(512), visual: createRng(2).permutation(196) };
 * const [first, second] = viewsFromDecks(decks, { audio: 128, visual: 49 }, 2);
 * console.log(first.audio.visible.length, first.audio.hidden.length); // 128 384
 * ```
 */
export function viewsFromDecks(
  decks: PerModality<Int32Array>,
  visible: PerModality<number>,
  views: number,
): readonly ClipView[] {
  const audio = deal("audio", decks.audio, visible.audio, views);
  const visual = deal("visual", decks.visual, visible.visual, views);
  return audio.map((positions, view) => ({ audio: positions, visual: visual[view] }));
}
