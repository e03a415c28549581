import { readFileSync } from "node:fs";
import type { Evidence, ViewEvidence } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { type ContrastiveOptions, contrastiveAccuracy, contrastiveLoss } from "./terms/contrastive.js";
import { type DistillationOptions, distillationPerClip, viewDistillation } from "./terms/view-distillation.js";

/** PyTorch's values and gradients in float64 (fixtures/losses). */
const reference = JSON.parse(readFileSync(new URL("../../../fixtures/losses/reference.json", import.meta.url), "utf8"));
const { distillation, contrastive } = reference;

type DistillationExample = { options: DistillationOptions; perClip: number[]; gradient: number[] };
type ContrastiveExample = {
  options: ContrastiveOptions;
  loss: number;
  accuracy: number;
  audioGradient: number[];
  visualGradient: number[];
};

const named = <Example extends { options: object }>(cases: Example[]): [string, Example][] =>
  cases.map((example) => [JSON.stringify(example.options), example]);

/** ‖ours − reference‖ / ‖reference‖. */
function relativeError(ours: ArrayLike<number>, expected: readonly number[]): number {
  expect(ours).toHaveLength(expected.length);
  const norm = (values: readonly number[]) => Math.hypot(...values);
  return norm(expected.map((value, index) => ours[index] - value)) / norm(expected);
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("view distillation against PyTorch", () => {
  const [V, ...shape] = distillation.shape;
  const tokens = (values: number[]) =>
    tf.unstack(tf.tensor4d(values, distillation.shape)).map((joint) => joint as tf.Tensor3D);

  const evidenceOf = (views: readonly tf.Tensor3D[]): Evidence => ({
    patches: { audio: tf.zeros([1, 1, 1]), visual: tf.zeros([1, 1, 1]) },
    views: views.map((joint) => ({ encoded: { joint, audio: joint, visual: joint } }) as unknown as ViewEvidence),
    teacher: tokens(distillation.teacher).map((joint) => ({ joint, audio: joint, visual: joint })),
  });

  it.each(named<DistillationExample>(distillation.cases))("%s", (_, example) => {
    const { options, perClip, gradient } = example;
    expect(shape).toEqual([3, 2, 5]);
    const views = tokens(distillation.views);
    expect(relativeError(distillationPerClip(evidenceOf(views), options).dataSync(), perClip)).toBeLessThan(2e-6);
    const derived = tf.grads((...inputs: tf.Tensor[]) =>
      viewDistillation.compute(evidenceOf(inputs as tf.Tensor3D[]), options),
    )(views);
    expect(derived).toHaveLength(V);
    expect(relativeError(tf.stack(derived).dataSync(), gradient)).toBeLessThan(1e-5);
  });
});

describe("the contrastive loss against PyTorch", () => {
  it.each(named<ContrastiveExample>(contrastive.cases))("%s", (_, example) => {
    const { options, loss, accuracy, audioGradient, visualGradient } = example;
    const audio = tf.tensor3d(contrastive.audio, contrastive.audioShape);
    const visual = tf.tensor3d(contrastive.visual, contrastive.visualShape);
    expect(relativeError(contrastiveLoss(audio, visual, options).dataSync(), [loss])).toBeLessThan(1e-6);
    expect(contrastiveAccuracy(audio, visual, options).dataSync()[0]).toBeCloseTo(accuracy, 6);
    const derived = tf.grads((a: tf.Tensor, v: tf.Tensor) =>
      contrastiveLoss(a as tf.Tensor3D, v as tf.Tensor3D, options),
    )([audio, visual]);
    expect(relativeError(derived[0].dataSync(), audioGradient)).toBeLessThan(1e-5);
    expect(relativeError(derived[1].dataSync(), visualGradient)).toBeLessThan(1e-5);
  });
});
