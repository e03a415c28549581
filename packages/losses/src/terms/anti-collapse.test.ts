import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { objective } from "../objective.js";
import { checkLossTerm, exampleEvidence } from "../testing.js";
import { patchSampling } from "./patch-sampling.js";
import { spread, varianceCovariance } from "./variance-covariance.js";

beforeAll(() => tf.setBackend("cpu"));

// torch 2.13, float64: VICReg's variance and covariance of these four embeddings, and the gradient of
// variance + 0.04 · covariance.
const embeddings = [
  [0.3, -1.2, 0.7, 2.1, 0.05],
  [1.4, 0.2, -0.6, 1.9, 0.04],
  [-0.8, 0.9, 0.1, 2.0, 0.06],
  [0.5, -0.4, 1.3, 2.2, 0.05],
];
const reference = {
  variance: 0.4495398069872715,
  covariance: 0.1161373,
  gradient: [
    [0.006151441, 0.079052646, -0.021861224, -0.024619221, -0.000014578],
    [-0.076336809, -0.023093457, 0.076110534, 0.075612293, 0.051540934],
    [0.082410358, -0.072009887, 0.020476259, 0.025051256, -0.051531334],
    [-0.012224989, 0.016050698, -0.074725569, -0.076044328, 0.000004978],
  ],
};

describe("variance-covariance", () => {
  it("has VICReg's values and gradient", () => {
    const x = tf.tensor2d(embeddings);
    const { variance, covariance } = spread(x);
    expect(variance.dataSync()[0]).toBeCloseTo(reference.variance, 6);
    expect(covariance.dataSync()[0]).toBeCloseTo(reference.covariance, 6);
    const slope = tf.grad((input: tf.Tensor) => {
      const made = spread(input as tf.Tensor2D);
      return tf.add(made.variance, tf.mul(made.covariance, 0.04));
    })(x);
    expect(tf.max(tf.abs(tf.sub(slope, tf.tensor2d(reference.gradient)))).dataSync()[0]).toBeLessThan(1e-6);
  });

  it("passes the suite of all terms, and says that it compares clips", () => {
    expect(checkLossTerm(varianceCovariance)).toEqual([]);
    expect(checkLossTerm({ ...varianceCovariance, comparesClips: false })).not.toEqual([]);
  });

  it("is 1 per stream and view, all but the floor, for embeddings that are all alike", () => {
    const { variance, covariance } = spread(tf.ones([7, 5]));
    expect(variance.dataSync()[0]).toBeCloseTo(0.99, 6);
    expect(covariance.dataSync()[0]).toBe(0);
  });
});

describe("patch-sampling", () => {
  it("passes the suite of all terms", () => {
    expect(checkLossTerm(patchSampling)).toEqual([]);
    expect(checkLossTerm(patchSampling, { options: { normPixels: true } })).toEqual([]);
  });

  it("is −Σ over the hidden of log p · error, mean over clips, summed over views and modalities", () => {
    const evidence = exampleEvidence(createRng(5));
    let expected = 0;
    for (const { view, reconstruction } of evidence.views) {
      for (const modality of ["audio", "visual"] as const) {
        const [logs, patches, predicted] = [
          evidence.sampling?.[modality].arraySync() ?? [],
          evidence.patches[modality].arraySync(),
          reconstruction[modality].arraySync(),
        ];
        for (const [clip, hidden] of view[modality].hidden.arraySync().entries()) {
          for (const patch of hidden) {
            const errors = patches[clip][patch].map((value, i) => (value - predicted[clip][patch][i]) ** 2);
            const error = errors.reduce((sum, one) => sum + one, 0) / errors.length;
            expected -= (logs[clip][patch] * error) / patches.length;
          }
        }
      }
    }
    expect(patchSampling.compute(evidence).dataSync()[0]).toBeCloseTo(expected, 3);
  });

  it("is refused where no network draws the views", () => {
    const { sampling: _, ...without } = exampleEvidence(createRng(6));
    expect(() => objective([{ term: "patch-sampling" }]).compute(without)).toThrow(
      'Draw them by one (masking.kind "adaptive")',
    );
  });
});
