import { type Encoded, type Evidence, expectShape, KdcError, type Modality } from "@kdc-mae/core";
import {
  abs,
  add,
  div,
  mean,
  mul,
  relu,
  type Scalar,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from "@tensorflow/tfjs-core";
import { hiddenOnes } from "../hidden.js";
import { aboveZero, expectOptions, flag, listOf, oneOf, strictOptions } from "../options.js";
import { stopGradient } from "../stop-gradient.js";
import { expectNeeds, type LossTerm } from "../term.js";

/** Options of the term `latent-prediction`. */
export type LatentPredictionOptions = {
  /** `smooth-l1` (default): mean over channels of Huber's loss. `cosine`: 1 − cosine. */
  readonly distance?: "smooth-l1" | "cosine";
  /** Where the smooth L1 goes over from a square to a straight line, 1 unless given. */
  readonly beta?: number;
  /** True (default) for targets less their mean over channels, over their deviation (as I-JEPA and data2vec). */
  readonly normalize?: boolean;
  /** Whose tokens are predicted: those after the joint pass (`joint`, default), or after each modality's `own`. */
  readonly stream?: "joint" | "own";
  /** Where tokens are predicted; both unless given. */
  readonly modalities?: readonly Modality[];
};

const where = "latent-prediction";
const both: readonly Modality[] = ["audio", "visual"];

/** Less the mean over channels, over the biased deviation, as a layer norm without weights (ε 1e-6): `[B, N, D]`. */
function normalized(tokens: Tensor3D): Tensor3D {
  const centred = sub(tokens, mean(tokens, -1, true));
  return div(centred, sqrt(add(mean(square(centred), -1, true), 1e-6)));
}

/** Compares tokens `[B, N, D]`, one value each `[B, N]`. */
const distances: Record<
  NonNullable<LatentPredictionOptions["distance"]>,
  (predicted: Tensor3D, target: Tensor3D, beta: number) => Tensor2D
> = {
  // min(|d|, β)² / 2β + what |d| has above β.
  "smooth-l1": (predicted, target, beta) => {
    const away = abs(sub(predicted, target));
    const above = relu(sub(away, beta));
    return mean(add(div(square(sub(away, above)), 2 * beta), above), -1);
  },
  cosine: (predicted, target) => {
    const lengthOf = (tokens: Tensor3D) => sqrt(add(sum(square(tokens), -1), 1e-24));
    return sub(1, div(sum(mul(predicted, target), -1), mul(lengthOf(predicted), lengthOf(target))));
  },
};

const schema = strictOptions<LatentPredictionOptions>({
  distance: oneOf(Object.keys(distances)),
  beta: aboveZero(1),
  normalize: flag,
  stream: oneOf(["joint", "own"]),
  modalities: listOf("modality", both),
});

function readOptions(options: LatentPredictionOptions = {}) {
  expectOptions({ name: where, schema }, options);
  const { distance = "smooth-l1", beta, normalize = true, stream = "joint", modalities = both } = options;
  if (distance === "cosine" && beta !== undefined) {
    throw new KdcError({
      ...{
        where,
        what: `beta is ${beta}`,
        remedy: "The cosine distance has no beta: leave it out, or use smooth-l1",
        reason: "option",
      },
    });
  }
  return { distance: distances[distance], beta: beta ?? 1, normalize, stream, modalities };
}

/** The teacher's tokens of one modality, of every patch. */
function tokensOf(whole: Encoded, modality: Modality, stream: "joint" | "own"): Tensor3D {
  if (stream === "own") return whole[modality];
  const [Na, Nv] = [whole.audio.shape[1], whole.visual.shape[1]];
  const [from, count] = modality === "audio" ? [0, Na] : [Na, Nv];
  return slice(whole.joint, [0, from, 0], [-1, count, -1]);
}

/**
 * Predicts what a moving-average teacher, which sees the whole clip, makes of the patches that a view does not see
 * (data2vec, Baevski et al. 2022; I-JEPA, Assran et al. 2023): mean over hidden patches and clips, summed over
 * modalities and views. The teacher is held still.
 */
export const latentPrediction: LossTerm<LatentPredictionOptions> = {
  name: where,
  schema,
  needs: (options) => ({ views: 1, prediction: readOptions(options).modalities, whole: true }),
  compute: (evidence, options) => {
    const { distance, beta, normalize, stream, modalities } = readOptions(options);
    expectNeeds(where, latentPrediction.needs(options), evidence);
    return tidy(() => {
      const ofModality = (modality: Modality): Scalar[] => {
        // Its needs name it, so it is there.
        const tokens = stopGradient(tokensOf(evidence.whole as Encoded, modality, stream));
        const target = normalize ? normalized(tokens) : tokens;
        const { B, N, D } = expectShape(where, `the teacher's ${modality} tokens`, target, "B N D");
        return evidence.views.map(({ view, prediction }: Evidence["views"][number]) => {
          const predicted = prediction?.[modality] as Tensor3D;
          expectShape(where, `predicted ${modality} tokens`, predicted, "B N D", { B, N, D });
          const { hidden } = view[modality];
          const isHidden = hiddenOnes(hidden, N);
          const perClip = div(sum(mul(distance(predicted, target, beta), isHidden), 1), hidden.shape[1]);
          return mean(perClip as Tensor1D) as Scalar;
        });
      };
      return modalities.flatMap(ofModality).reduce((total, next) => add(total, next));
    });
  },
};
