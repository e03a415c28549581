import { expectShape, type Modality, type ViewEvidence } from "@kdc-mae/core";
import {
  add,
  div,
  mean,
  mul,
  type Scalar,
  sqrt,
  square,
  squaredDifference,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from "@tensorflow/tfjs-core";
import { hiddenOnes } from "../hidden.js";
import { flag, strictOptions } from "../options.js";
import type { LossTerm } from "../term.js";

/** Options of the terms `reconstruction-audio` and `reconstruction-visual`. */
export type ReconstructionOptions = {
  /** Compare with each patch's values after taking off its mean and dividing by its deviation. Default false. */
  readonly normPixels?: boolean;
};

/**
 * Each patch `[.., P]` less its mean, over the root of its unbiased variance + 1e-6 (He et al. 2022, MAE, with the
 * unbiased variance of its code).
 */
export function normalizePatches(patches: Tensor3D): Tensor3D {
  return tidy(() => {
    const length = patches.shape[2];
    // Not tf.squaredDifference: its gradient cannot broadcast.
    const centered = sub(patches, mean(patches, -1, true));
    const variance = div(sum(square(centered), -1, true), length - 1);
    return div(centered, sqrt(add(variance, 1e-6)));
  });
}

/**
 * Mean squared error per patch, averaged over the patches hidden from one view, for each clip.
 *
 * @param target patch values `[B, N, P]`
 * @returns `[B]`
 */
export function reconstructionPerClip(modality: Modality, view: ViewEvidence, target: Tensor3D): Tensor1D {
  return tidy(() => {
    const prediction = view.reconstruction[modality];
    const hidden: Tensor2D = view.view[modality].hidden;
    const where = `reconstruction-${modality}`;
    const sizes = expectShape(where, `${modality} patches`, target, "B N P");
    expectShape(where, `the ${modality} reconstruction`, prediction, "B N P", sizes);
    const { H } = expectShape(where, `hidden ${modality} positions`, hidden, "B H", { B: sizes.B });
    const error = mean(squaredDifference(prediction, target), -1);
    const isHidden = hiddenOnes(hidden, sizes.N);
    return div(sum(mul(error, isHidden), 1), H) as Tensor1D;
  });
}

const maskedReconstruction = (modality: Modality): LossTerm<ReconstructionOptions> => ({
  name: `reconstruction-${modality}`,
  schema: strictOptions<ReconstructionOptions>({ normPixels: flag }),
  needs: () => ({ views: 1, reconstruction: [modality] }),
  compute: (evidence, { normPixels = false } = {}) =>
    tidy(() => {
      const patches = evidence.patches[modality];
      const target = normPixels ? normalizePatches(patches) : patches;
      const perView = evidence.views.map((view) => mean(reconstructionPerClip(modality, view, target)));
      return perView.reduce((total, next) => add(total, next)) as Scalar;
    }),
});

/** Error of the predicted spectrogram patches: mean over hidden patches and clips, summed over views. */
export const audioReconstruction = maskedReconstruction("audio");

/** Error of the predicted picture patches: mean over hidden patches and clips, summed over views. */
export const visualReconstruction = maskedReconstruction("visual");
