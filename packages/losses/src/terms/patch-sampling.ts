import { expectShape, type Modality, type Sampling } from "@kdc-mae/core";
import {
  add,
  mean,
  mul,
  neg,
  type Scalar,
  squaredDifference,
  sum,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from "@tensorflow/tfjs-core";
import { hiddenOnes } from "../hidden.js";
import { flag, strictOptions } from "../options.js";
import { stopGradient } from "../stop-gradient.js";
import { expectNeeds, type LossTerm } from "../term.js";
import { normalizePatches } from "./masked-reconstruction.js";

/** Options of the term `patch-sampling`. */
export type PatchSamplingOptions = {
  /** Errors of each patch's normalised values, as the reconstruction terms have them. Default false. */
  readonly normPixels?: boolean;
};

const where = "patch-sampling";

/**
 * Trains the network that draws the views, apart from the autoencoder (AdaMAE, Bandara et al. 2023, a policy gradient,
 * Williams 1992): −Σ over the hidden patches of log p(patch) · error(patch), the error held still; mean over clips, sum
 * over views and modalities. What is hard to rebuild gets likely to be seen. AdaMAE weighs it 1e-4.
 */
export const patchSampling: LossTerm<PatchSamplingOptions> = {
  name: where,
  schema: strictOptions<PatchSamplingOptions>({ normPixels: flag }),
  needs: () => ({ views: 1, sampling: true }),
  compute: (evidence, { normPixels = false } = {}) => {
    expectNeeds(where, { views: 1, sampling: true }, evidence);
    return tidy(() => {
      const ofModality = (modality: Modality): Scalar[] => {
        const logs = (evidence.sampling as Sampling)[modality];
        const patches = evidence.patches[modality];
        const { N } = expectShape(where, `${modality} log-probabilities`, logs, "B N");
        const target = normPixels ? normalizePatches(patches) : patches;
        return evidence.views.map(({ view, reconstruction }) => {
          const error = stopGradient(mean(squaredDifference(reconstruction[modality], target), -1) as Tensor2D);
          const isHidden = hiddenOnes(view[modality].hidden, N);
          return neg(mean(sum(mul(mul(logs, error), isHidden), 1) as Tensor1D)) as Scalar;
        });
      };
      return [...ofModality("audio"), ...ofModality("visual")].reduce((total, next) => add(total, next));
    });
  },
};
