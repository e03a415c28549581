import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { binaryCrossEntropy, crossEntropy } from "./classification.js";

const logits = () => tf.tensor2d([1, -2, 0.5, 3, 0, -1], [2, 3]);
const targets = () => tf.tensor2d([0, 1, 0, 0.5, 0.25, 0.25], [2, 3]);
const value = (x: tf.Tensor): number => x.dataSync()[0];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("crossEntropy", () => {
  it("is ln C for indifferent logits, whatever the targets", () => {
    expect(value(crossEntropy(tf.zeros([2, 3]), targets()))).toBeCloseTo(Math.log(3), 6);
  });

  it("smooths labels: (1 − ε) of them, ε spread over the classes", () => {
    const smoothed = tf.add(tf.mul(targets(), 0.9), 0.1 / 3) as tf.Tensor2D;
    expect(value(crossEntropy(logits(), targets(), { labelSmoothing: 0.1 }))).toBeCloseTo(
      value(crossEntropy(logits(), smoothed)),
      6,
    );
  });

  it("has the gradient (softmax − targets) / B", () => {
    const gradient = tf.grad((x) => crossEntropy(x as tf.Tensor2D, targets()))(logits());
    const expected = tf.div(tf.sub(tf.softmax(logits()), targets()), 2).dataSync();
    for (const [index, x] of gradient.dataSync().entries()) expect(x).toBeCloseTo(expected[index], 6);
  });

  it("stays finite for enormous logits", () => {
    const enormous = tf.tensor2d([1e4, -1e4, 0], [1, 3]);
    expect(value(crossEntropy(enormous, tf.tensor2d([0, 1, 0], [1, 3])))).toBeCloseTo(2e4, 0);
  });

  it("refuses targets of another shape and a smoothing of 1", () => {
    expect(() => crossEntropy(logits(), tf.zeros([2, 4]))).toThrow(
      "crossEntropy: targets has shape [2, 4], expected [B, C]: axis 1 (C) is 4, not 3",
    );
    expect(() => crossEntropy(logits(), targets(), { labelSmoothing: 1 })).toThrow(
      "crossEntropy: label smoothing is 1. Use a number from 0 up to, not including, 1",
    );
  });
});

describe("binaryCrossEntropy", () => {
  it("is ln 2 for indifferent logits", () => {
    expect(value(binaryCrossEntropy(tf.zeros([2, 3]), targets()))).toBeCloseTo(Math.LN2, 6);
  });

  it("has the gradient (sigmoid − targets) / (B · C), and stays finite for enormous logits", () => {
    const gradient = tf.grad((x) => binaryCrossEntropy(x as tf.Tensor2D, targets()))(logits());
    const expected = tf.div(tf.sub(tf.sigmoid(logits()), targets()), 6).dataSync();
    for (const [index, x] of gradient.dataSync().entries()) expect(x).toBeCloseTo(expected[index], 6);
    expect(value(binaryCrossEntropy(tf.tensor2d([1e4, -1e4], [1, 2]), tf.tensor2d([0, 0], [1, 2])))).toBeCloseTo(
      5e3,
      1,
    );
  });

  it("refuses targets of another shape", () => {
    expect(() => binaryCrossEntropy(logits(), tf.zeros([3, 3]))).toThrow(
      "binaryCrossEntropy: targets has shape [3, 3]",
    );
  });
});
