import { countPatches, KdcError, type PatchGrid, type Rng } from "@kdc-mae/core";
import { expectViews, type Masker, type MaskRatio, viewsFromDecks, visibleCounts } from "./masker.js";

/** How near (0 … 1) a patch is to a view's corner, given where its row and column fell in the shuffle (0 … 1). */
type Distance = (row: number, column: number) => number;

/**
 * Which patches are dealt first, view after view. Sorting by shuffled column keeps whole moments together, by shuffled
 * row whole frequency bands. For both, each view takes a block of some bands by some moments, and the next view starts
 * from the opposite corner of the shuffled grid; four corners make four disjoint blocks at ratio 0.75.
 */
const corners: Readonly<Record<"time" | "frequency" | "time-frequency", readonly Distance[]>> = {
  time: [(_, column) => column],
  frequency: [(row) => row],
  "time-frequency": [
    (row, column) => Math.max(row, column),
    (row, column) => Math.max(1 - row, 1 - column),
    (row, column) => Math.max(row, 1 - column),
    (row, column) => Math.max(1 - row, column),
  ],
};

/** A deck of one grid in which each successive run of `visible` positions is one structured view. */
function structuredDeck(
  grid: PatchGrid,
  distances: readonly Distance[],
  visible: number,
  views: number,
  rng: Rng,
): Int32Array {
  const rows = rng.fork("rows").permutation(grid.rows);
  const columns = rng.fork("columns").permutation(grid.columns);
  // Patches at equal distance (a row or column that a view only partly sees) are taken in random order.
  let left = Array.from(rng.fork("patches").permutation(countPatches(grid)));
  const deck: number[] = [];
  for (let view = 0; view < views; view++) {
    const distance = distances[view % distances.length];
    const key = (position: number): number =>
      distance(
        (rows[Math.floor(position / grid.columns)] + 0.5) / grid.rows,
        (columns[position % grid.columns] + 0.5) / grid.columns,
      );
    left = left.sort((a, b) => key(a) - key(b));
    deck.push(...left.slice(0, visible));
    left = left.slice(visible);
  }
  return Int32Array.from([...deck, ...left]);
}

/**
 * Audio masks that hide whole moments (`time`), whole frequency bands (`frequency`) or both, so that the hidden part
 * cannot be guessed from a neighbour in that direction; a row or column may be cut so that exactly K patches remain.
 * The picture is masked at random. Disjoint views are the default; `disjoint: false` draws each view anew.
 *
 * @throws KdcError for a number of views, a ratio or an axis that cannot be, and where disjoint views do not fit;
 * ratios are checked when a clip's grids are known
 *
 * @example
 * ```ts
 * import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
 * import { structuredViews } from "@kdc-mae/masking";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const views = structuredViews({ axis: "time" })(grids, createRng(1));
 * ```
 */
export function structuredViews(options: {
  readonly axis: "time" | "frequency" | "time-frequency";
  readonly views?: number;
  readonly ratio?: MaskRatio;
  readonly disjoint?: boolean;
}): Masker {
  const { axis, views = 2, ratio = 0.75, disjoint = true } = options;
  expectViews("structuredViews", views);
  if (!Object.hasOwn(corners, axis)) {
    throw new KdcError({
      where: "structuredViews",
      what: `the axis "${axis}" is not known`,
      remedy: `Use one of ${Object.keys(corners).join(", ")}`,
      reason: "mask-axis",
    });
  }
  return (grids, rng) => {
    const visible = visibleCounts("structuredViews", grids, ratio);
    const deal = (hands: number, audioRng: Rng, visualRng: Rng) => {
      const audio = structuredDeck(grids.audio, corners[axis], visible.audio, hands, audioRng);
      const visual = visualRng.permutation(countPatches(grids.visual));
      return viewsFromDecks({ audio, visual }, visible, hands);
    };
    if (disjoint) return deal(views, rng.fork("audio"), rng.fork("visual"));
    return Array.from(
      { length: views },
      (_, view) => deal(1, rng.fork(`audio-${view}`), rng.fork(`visual-${view}`))[0],
    );
  };
}
