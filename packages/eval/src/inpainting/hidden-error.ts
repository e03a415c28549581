import { expectShape, KdcError, type Shaped } from "@kdc-mae/core";
import type { Values } from "./denormalize.js";

/** Patch places, `[B, K]`: an `IntTensor` of core, or a plain record. */
type Places = Shaped & { readonly data: Int32Array };

/** One modality of one batch: the true and the predicted patches, and which the model saw. */
export type InpaintedBatch = {
  /** `[B, N, P]` */
  readonly target: Values;
  /** `[B, N, P]`, predictions at every place. */
  readonly predicted: Values;
  /** `[B, K]` */
  readonly visible: Places;
  /** `[B, N−K]` */
  readonly hidden: Places;
};

/** Standard deviation that each channel was divided by on the way in, in the unit of PSNR. */
export type PixelUnits = {
  readonly name: string;
  readonly deviation: readonly number[];
  /** Largest possible difference of two values; where absent the range of the evaluated hidden values. */
  readonly peak?: number;
};

/** Errors of one modality on hidden patches, one number per clip. */
export type HiddenErrors = {
  readonly mse: readonly number[];
  /** The same when every hidden patch is the mean of the clip's visible patches, place by place. */
  readonly meanFill: readonly number[];
  /** The two in squared original units. */
  readonly mseInUnits: readonly number[];
  readonly meanFillInUnits: readonly number[];
  /** Share of patches that were hidden. */
  readonly ratio: number;
  /** Lowest and highest true hidden value in original units, up to the mean taken off on the way in. */
  readonly range: readonly [low: number, high: number];
};

/**
 * Mean over a clip's visible patches, for every place inside a patch, `[P]`: what is put into each hidden patch by the
 * mean-fill baseline.
 */
export function meanFillPatch(clip: Float32Array, visible: ArrayLike<number>, length: number): Float32Array {
  const mean = new Float64Array(length);
  for (let v = 0; v < visible.length; v++) {
    for (let p = 0; p < length; p++) mean[p] += clip[visible[v] * length + p] / visible.length;
  }
  return Float32Array.from(mean);
}

/**
 * Errors on the hidden patches of one batch.
 *
 * @throws KdcError for unequal shapes, no hidden or no visible patches, places outside the grid, NaN predictions
 */
export function hiddenErrors({ target, predicted, visible, hidden }: InpaintedBatch, units: PixelUnits): HiddenErrors {
  const where = "hiddenErrors";
  const { B, N, P } = expectShape(where, "target", target, "B N P");
  expectShape(where, "predicted", predicted, "B N P", { B, N, P });
  const { K } = expectShape(where, "visible", visible, "B K", { B });
  const { M } = expectShape(where, "hidden", hidden, "B M", { B });
  const outside = [...visible.data, ...hidden.data].find((place) => place < 0 || place >= N);
  if (K === 0 || M === 0 || K + M !== N || outside !== undefined) {
    throw new KdcError({
      where,
      what: `${K} visible and ${M} hidden places${outside === undefined ? "" : `, ${outside} among them,`} do not part a grid of ${N} patches`,
      remedy: "Pass the view the predictions were made from, with at least one patch seen and one hidden",
      reason: "places",
    });
  }
  const channels = units.deviation.length;
  const clips = Array.from({ length: B }, (_, b) => {
    const truth = target.data.subarray(b * N * P, (b + 1) * N * P);
    const guess = predicted.data.subarray(b * N * P, (b + 1) * N * P);
    const fill = meanFillPatch(truth, visible.data.subarray(b * K, (b + 1) * K), P);
    const sums = { mse: 0, meanFill: 0, mseInUnits: 0, meanFillInUnits: 0, low: Infinity, high: -Infinity };
    for (const place of hidden.data.subarray(b * M, (b + 1) * M)) {
      for (let p = 0; p < P; p++) {
        const value = truth[place * P + p];
        const deviation = units.deviation[p % channels];
        const error = (guess[place * P + p] - value) ** 2;
        const filled = (fill[p] - value) ** 2;
        sums.mse += error / (M * P);
        sums.meanFill += filled / (M * P);
        sums.mseInUnits += (error * deviation * deviation) / (M * P);
        sums.meanFillInUnits += (filled * deviation * deviation) / (M * P);
        sums.low = Math.min(sums.low, value * deviation);
        sums.high = Math.max(sums.high, value * deviation);
      }
    }
    return sums;
  });
  const bad = clips.findIndex(({ mse, meanFill }) => !Number.isFinite(mse + meanFill));
  if (bad >= 0) {
    throw new KdcError({
      where,
      what: `clip ${bad} of the batch has NaN or infinite values in its hidden patches`,
      remedy: "Look for a diverged checkpoint or a broken clip; leave the clip out and count it",
      reason: "not-finite",
    });
  }
  return {
    mse: clips.map((clip) => clip.mse),
    meanFill: clips.map((clip) => clip.meanFill),
    mseInUnits: clips.map((clip) => clip.mseInUnits),
    meanFillInUnits: clips.map((clip) => clip.meanFillInUnits),
    ratio: M / N,
    range: [Math.min(...clips.map(({ low }) => low)), Math.max(...clips.map(({ high }) => high))],
  };
}
