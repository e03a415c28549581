import { type ClipGrids, type ClipView, countPatches, KdcError, type Modality, type Rng } from "@kdc-mae/core";
import { expectViews, type MaskRatio, type PerModality, viewsFromDecks, visibleCounts } from "./masker.js";

/**
 * Noise that makes the largest of log p + noise a draw by p (Gumbel 1954; Yellott 1977): −log(−log u), one number per
 * patch. The K largest are K draws without replacement.
 */
export function gumbelNoise(patches: number, rng: Rng): Float32Array {
  return Float32Array.from({ length: patches }, () => {
    // Never 0 or 1, whose logarithm would be infinite.
    const u = (rng.uint32() + 0.5) / 2 ** 32;
    return -Math.log(-Math.log(u));
  });
}

/**
 * `gumbelNoise` for both modalities of a clip, each from a stream of its own.
 *
 * @example
 * ```ts
 * import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
 * import { clipNoise } from "@kdc-mae/masking";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const noise = clipNoise(grids, createRng(1)); // audio [512], visual [196]
 * ```
 */
export const clipNoise = (grids: ClipGrids, rng: Rng): PerModality<Float32Array> => ({
  audio: gumbelNoise(countPatches(grids.audio), rng.fork("audio")),
  visual: gumbelNoise(countPatches(grids.visual), rng.fork("visual")),
});

/** Deals the views of one clip by the probabilities of its patches. */
export type AdaptiveMasker = (
  grids: ClipGrids,
  logProbabilities: PerModality<ArrayLike<number>>,
  noise: PerModality<ArrayLike<number>>,
) => readonly ClipView[];

/**
 * V disjoint views whose visible patches are drawn by probabilities (AdaMAE, Bandara et al. 2023): V·K patches are drawn
 * without replacement and dealt out in turn, so that early, likely draws go to every view alike.
 *
 * @throws KdcError for a number of views or a ratio that cannot be, where V·K patches are more than there are, and for
 * probabilities or noise that do not fit the grids or are not finite
 *
 * @example
 * ```ts
 * import { audioGrid, createRng, visualGrid } from "@kdc-mae/core";
 * import { adaptiveViews, clipNoise } from "@kdc-mae/masking";
 *
 * const grids = { audio: audioGrid(1024, 128, 16), visual: visualGrid(224, 16) };
 * const even = { audio: new Float32Array(512), visual: new Float32Array(196) }; // log-probabilities, up to a constant
 * const [first, second] = adaptiveViews()(grids, even, clipNoise(grids, createRng(1)));
 * console.log(first.audio.visible.length, second.visual.visible.length); // 128 49
 * ```
 */
export function adaptiveViews(options: { readonly views?: number; readonly ratio?: MaskRatio } = {}): AdaptiveMasker {
  const { views = 2, ratio = 0.75 } = options;
  expectViews("adaptiveViews", views);
  return (grids, logProbabilities, noise) => {
    const visible = visibleCounts("adaptiveViews", grids, ratio);
    const deck = (modality: Modality): Int32Array => {
      const drawn = drawOrder(modality, countPatches(grids[modality]), logProbabilities[modality], noise[modality]);
      return dealtInTurn(drawn, Math.min(views * visible[modality], drawn.length), views);
    };
    return viewsFromDecks({ audio: deck("audio"), visual: deck("visual") }, visible, views);
  };
}

/** Patches in the order they are drawn. */
function drawOrder(modality: string, patches: number, logs: ArrayLike<number>, noise: ArrayLike<number>): Int32Array {
  const keys = Float64Array.from({ length: patches }, (_, patch) => logs[patch] + noise[patch]);
  if (logs.length !== patches || noise.length !== patches || !keys.every(Number.isFinite)) {
    throw new KdcError({
      where: "adaptiveViews",
      what: `${logs.length} ${modality} log-probabilities and ${noise.length} noises for ${patches} patches, or some are not finite`,
      remedy: "Give one finite log-probability and one noise per patch; check whether training diverged",
      reason: "probabilities",
    });
  }
  // Equal keys keep the order of their patches, so that a draw is the same everywhere.
  return Int32Array.from(keys.keys()).sort((a, b) => keys[b] - keys[a] || a - b);
}

/** The first `count` draws dealt to the views in turn, hand after hand; the rest behind them. */
function dealtInTurn(drawn: Int32Array, count: number, views: number): Int32Array {
  const deck = drawn.slice();
  const hand = count / views;
  for (let draw = 0; draw < count; draw++) deck[(draw % views) * hand + Math.floor(draw / views)] = drawn[draw];
  return deck;
}
