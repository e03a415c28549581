import type { Encoded } from "@kdc-mae/core";
import {
  add,
  div,
  matMul,
  mean,
  mul,
  relu,
  type Scalar,
  sqrt,
  square,
  sub,
  sum,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from "@tensorflow/tfjs-core";
import { aboveZero, streamsOf, strictOptions } from "../options.js";
import { type EncodedStream, expectNeeds, type LossTerm } from "../term.js";

/** Options of the term `variance-covariance`. */
export type VarianceCovarianceOptions = {
  /** Which streams are kept from collapsing, each by its mean token. Default audio and visual. */
  readonly streams?: readonly EncodedStream[];
  /** Weight of the variance part, 25 in VICReg; default 1. */
  readonly variance?: number;
  /** Weight of the covariance part, 1 in VICReg; default 0.04, the same share. */
  readonly covariance?: number;
};

const where = "variance-covariance";
const bothModalities: readonly EncodedStream[] = ["audio", "visual"];

/**
 * How far embeddings `[B, D]` are from spreading over all channels: `variance`, the mean over channels of
 * max(0, 1 − √(variance + 1e-4)), and `covariance`, the sum of squared covariances of different channels over D.
 * Unbiased, over the clips of the batch (VICReg, Bardes et al. 2022, equations 1 and 4).
 */
export function spread(embeddings: Tensor2D): { readonly variance: Scalar; readonly covariance: Scalar } {
  const [B, D] = embeddings.shape;
  const centred = sub(embeddings, mean(embeddings, 0, true));
  const covariances = div(matMul(centred, centred, true, false), B - 1);
  const variances = div(sum(square(centred), 0), B - 1);
  const squares = sub(sum(square(covariances)), sum(square(variances)));
  return {
    variance: mean(relu(sub(1, sqrt(add(variances, 1e-4))))) as Scalar,
    covariance: div(squares, D) as Scalar,
  };
}

/**
 * Keeps embeddings from collapsing (VICReg's variance and covariance, Bardes et al. 2022): sum over views and streams of
 * the mean token's `spread`. It is a statistic of the batch, so all clips are seen together.
 */
export const varianceCovariance: LossTerm<VarianceCovarianceOptions> = {
  name: where,
  comparesClips: true,
  schema: strictOptions<VarianceCovarianceOptions>({
    streams: streamsOf(["joint", "audio", "visual", "globalAudio", "globalVisual"]),
    variance: aboveZero(1),
    covariance: aboveZero(0.04),
  }),
  needs: ({ streams = bothModalities } = {}) => ({
    ...{ views: 1, clips: 2, encoded: streams },
    ...{ pooled: streams, patches: false },
  }),
  compute: (evidence, { streams = bothModalities, variance: v = 1, covariance: c = 0.04 } = {}) => {
    expectNeeds(where, { views: 1, encoded: streams }, evidence);
    return tidy(() => {
      const ofStream = (encoded: Encoded, stream: EncodedStream): Scalar => {
        // Its needs name the stream, so it is there.
        const { variance, covariance } = spread(mean(encoded[stream] as Tensor3D, 1) as Tensor2D);
        return add(mul(variance, v), mul(covariance, c));
      };
      return evidence.views
        .flatMap(({ encoded }) => streams.map((stream) => ofStream(encoded, stream)))
        .reduce((total, next) => add(total, next));
    });
  },
};
