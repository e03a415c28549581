import { aboveZero, type LossTerm, strictOptions } from "@kdc-mae/losses";
import {
  add,
  mean,
  relu,
  type Scalar,
  sqrt,
  square,
  sub,
  type Tensor,
  type Tensor3D,
  tidy,
} from "@tensorflow/tfjs-core";

export type VarianceFloorOptions = {
  /** The deviation that each channel should keep over the batch. Default 1. */
  readonly floor?: number;
};

/** How far below `floor` the deviation of each channel of the mean token falls over the clips of a batch. */
function shortfall(tokens: Tensor3D, floor: number): Tensor {
  const pooled = mean(tokens, 1);
  const variance = mean(square(sub(pooled, mean(pooled, 0))), 0);
  // The 1e-4 keeps the root's gradient finite where a channel has collapsed.
  return mean(relu(sub(floor, sqrt(add(variance, 1e-4)))));
}

/**
 * A term that KDC-MAE does not have: the variance part of VICReg (Bardes et al. 2022). It keeps embeddings of different
 * clips apart, so that view distillation cannot make all clips alike. Sum over views of the joint tokens' shortfall.
 * An objective refuses any option but a floor above 0.
 */
export const varianceFloor: LossTerm<VarianceFloorOptions> = {
  name: "variance-floor",
  schema: strictOptions<VarianceFloorOptions>({ floor: aboveZero(1) }),
  // A deviation over the clips of a batch is not the mean of the clips' own.
  comparesClips: true,
  needs: () => ({ views: 1, encoded: ["joint"] }),
  compute: ({ views }, { floor = 1 } = {}) =>
    tidy(
      () =>
        views.map(({ encoded }) => shortfall(encoded.joint, floor)).reduce((total, next) => add(total, next)) as Scalar,
    ),
};
