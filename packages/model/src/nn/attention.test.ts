import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import { attention } from "./attention.js";

it("mixes values by scaled dot products, head by head", async () => {
  await tf.setBackend("cpu");
  const [B, N, H, width] = [2, 5, 3, 7];
  const D = H * width;
  const rng = createRng("attention");
  const random = (...shape: number[]) =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => 0.4 * rng.normal()),
      shape,
    );
  const params = {
    qkv: { weight: random(3 * D, D), bias: random(3 * D) },
    projection: { weight: random(D, D), bias: random(D) },
  };
  const x = random(B, N, D) as tf.Tensor3D;

  const weight = params.qkv.weight.arraySync() as number[][];
  const bias = params.qkv.bias.arraySync() as number[];
  const outWeight = params.projection.weight.arraySync() as number[][];
  const outBias = params.projection.bias.arraySync() as number[];
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const expected = x.arraySync().map((tokens) => {
    const project = (token: number[], part: number, head: number) =>
      Array.from({ length: width }, (_, i) => {
        const row = part * D + head * width + i;
        return dot(weight[row], token) + bias[row];
      });
    return tokens.map((token) => {
      const mixed = Array.from({ length: H }, (_, head) => {
        const q = project(token, 0, head);
        const scores = tokens.map((other) => Math.exp(dot(q, project(other, 1, head)) / Math.sqrt(width)));
        const total = scores.reduce((a, b) => a + b);
        const values = tokens.map((other) => project(other, 2, head));
        return Array.from({ length: width }, (_, i) =>
          scores.reduce((sum, score, n) => sum + (score / total) * values[n][i], 0),
        );
      }).flat();
      return outWeight.map((row, i) => dot(row, mixed) + outBias[i]);
    });
  });
  const difference = tf.sub(attention(params, x, H), tf.tensor3d(expected));
  expect(tf.max(tf.abs(difference)).dataSync()[0]).toBeLessThan(1e-5);
});
