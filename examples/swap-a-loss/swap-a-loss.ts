/**
 * Which term beside reconstruction? The paper's two, each alone, and one of our own.
 * `kdc-mae ablate examples/swap-a-loss/swap-a-loss.ts --seeds 3` trains all three and ends in a table.
 */
import { aboveZero, type LossTerm, strictOptions } from "@kdc-mae/losses";
import type { Ablation } from "@kdc-mae/trainer";
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

const reconstruction = [
  { term: "reconstruction-audio", weight: 1 },
  { term: "reconstruction-visual", weight: 2 },
];

export default {
  name: "swap-a-loss",
  summary: "Which term beside reconstruction?",
  base: "demo",
  change: ["data.train=320", "training.epochs=12"],
  arms: [
    { name: "distillation", change: { objective: [...reconstruction, { term: "view-distillation", weight: 10 }] } },
    { name: "contrast", change: { objective: [...reconstruction, { term: "contrastive", weight: 1 }] } },
    {
      name: "variance-floor",
      about: "our own: clips kept apart, views left alone",
      change: { objective: [...reconstruction, { term: varianceFloor, weight: 0.5, options: { floor: 2 } }] },
    },
  ],
} satisfies Ablation;
