import { createRng, type Evidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { objective } from "../objective.js";
import { checkLossTerm, exampleEvidence } from "../testing.js";
import { type LatentPredictionOptions, latentPrediction } from "./latent-prediction.js";

beforeAll(() => tf.setBackend("cpu"));

// torch 2.13, float64: smooth_l1_loss and cosine_similarity over the hidden tokens, targets through layer_norm where
// they are normalised; the gradient to the predicted tokens.
const predicted = [
  [
    [-0.33, 0.22, 1.0, -0.77],
    [-2.38, -1.12, 0.98, 1.37],
    [1.62, 0.52, 1.08, 1.25],
  ],
  [
    [0.76, -2.29, -2.85, 0.37],
    [0.04, 0.36, 1.18, -1.5],
    [1.78, 0.62, 0.28, -0.23],
  ],
];
const taught = [
  [
    [-0.26, 1.66, -0.34, -1.48],
    [0.25, -0.58, -1.3, 0.14],
    [-0.5, 2.48, 0.52, 3.55],
  ],
  [
    [-1.95, -0.8, 1.14, 1.23],
    [-0.52, 0.05, 0.25, 4.98],
    [-1.5, 0.28, 0.36, 0.38],
  ],
];
const hidden = [
  [2, 0],
  [1, 2],
];
const none = [0, 0, 0, 0];
const references: readonly (readonly [string, LatentPredictionOptions, number, readonly (readonly number[])[]])[] = [
  [
    "smooth L1 of normalised targets",
    {},
    0.8276911002254929,
    [
      [-0.01203305, -0.0625, 0.0625, 0.02809392],
      none,
      [0.0625, -0.00551135, 0.0625, -0.00192473],
      none,
      [0.05094037, 0.05479358, 0.0625, -0.0625],
      [0.0625, 0.00740684, -0.0201118, -0.05355395],
    ],
  ],
  [
    "smooth L1 with another beta, targets as they are",
    { beta: 0.5, normalize: false },
    1.2195624999999999,
    [
      [-0.00875, -0.0625, 0.0625, 0.0625],
      none,
      [0.0625, -0.0625, 0.0625, -0.0625],
      none,
      [0.0625, 0.03875, 0.0625, -0.0625],
      [0.0625, 0.0425, -0.01, -0.0625],
    ],
  ],
  [
    "cosine",
    { distance: "cosine", normalize: false },
    1.1488158284103598,
    [
      [0.00201919, -0.12539276, 0.0879908, 0.07758189],
      none,
      [0.04990506, -0.04738792, 0.01277874, -0.05600441],
      none,
      [0.01139505, -0.01886083, -0.06403204, -0.0545946],
      [0.02424778, -0.05634551, -0.04430299, -0.01816524],
    ],
  ],
];

/** One view whose audio tokens are predicted, of the clips above. */
function evidenceOf(prediction: tf.Tensor3D): Evidence {
  const { whole, views, ...rest } = exampleEvidence(createRng(1), {
    clips: 2,
    views: 1,
    audioPatches: 3,
    audioVisible: 1,
    embedDim: 4,
  });
  const { view } = views[0];
  const audio = { ...view.audio, hidden: tf.tensor2d(hidden, [2, 2], "int32") };
  return {
    ...rest,
    views: [{ ...views[0], view: { ...view, audio }, prediction: { audio: prediction, visual: prediction } }],
    whole: { ...whole!, audio: tf.tensor3d(taught) },
  };
}

describe("latent-prediction", () => {
  it.each(references)("has PyTorch's value and gradient: %s", (_, options, value, gradient) => {
    const asked: LatentPredictionOptions = { ...options, stream: "own", modalities: ["audio"] };
    const compute = (prediction: tf.Tensor) =>
      latentPrediction.compute(evidenceOf(prediction as tf.Tensor3D), asked) as tf.Scalar;
    const given = tf.tensor3d(predicted);
    expect(compute(given).dataSync()[0]).toBeCloseTo(value, 6);
    const slope = tf.reshape(tf.grad(compute)(given), [6, 4]);
    expect(tf.max(tf.abs(tf.sub(slope, tf.tensor2d(gradient as number[][])))).dataSync()[0]).toBeLessThan(1e-6);
  });

  it.each([{}, { distance: "cosine" }, { stream: "own" }, { modalities: ["visual"] }] as const)(
    "passes the suite of all terms: gradients reach the predicted tokens and nothing else (%o)",
    (options) => expect(checkLossTerm(latentPrediction, { options })).toEqual([]),
  );

  it("takes the joint tokens apart, sound first, unless told otherwise", () => {
    const evidence = exampleEvidence(createRng(2), { audioPatches: 11, visualPatches: 7 });
    const whole = evidence.whole!;
    const [audio, visual] = tf.split(whole.joint, [11, 7], 1) as tf.Tensor3D[];
    const apart = { ...evidence, whole: { ...whole, audio, visual } };
    const value = (of: Evidence, stream: "joint" | "own") => latentPrediction.compute(of, { stream }).dataSync()[0];
    expect(value(evidence, "joint")).toBeCloseTo(value(apart, "own"), 5);
    expect(value(evidence, "joint")).not.toBeCloseTo(value(evidence, "own"), 3);
  });

  it("says what it lacks, and which options are read by nobody", () => {
    const { whole: _, ...blind } = exampleEvidence(createRng(3));
    expect(() => objective([{ term: "latent-prediction" }]).compute(blind)).toThrow("Keep a moving-average teacher");
    const mute = {
      ...exampleEvidence(createRng(3)),
      views: exampleEvidence(createRng(3)).views.map(({ prediction: _, ...view }) => view),
    };
    expect(() => objective([{ term: "latent-prediction" }]).compute(mute)).toThrow("Give the model a predictor");
    expect(() => latentPrediction.needs({ distance: "cosine", beta: 2 })).toThrow("cosine distance has no beta");
    expect(() => latentPrediction.needs({ modalities: [] })).toThrow("Name at least one of audio, visual");
  });
});
