import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, it } from "vitest";
import { gridPlaces, nearness } from "./nearness.js";

beforeAll(() => tf.setBackend("cpu"));

const grid = { rows: 3, columns: 5, patch: 2, channels: 1 };
const penalties = [0, 0.7];

it("lowers the weight of two tokens by the penalty times their squared distance", () => {
  const rng = createRng("nearness");
  const N = 15;
  const scores = tf.tensor3d(
    Array.from({ length: 2 * N * N }, () => rng.normal()),
    [2, N, N],
  );
  const { asking, answering } = nearness(tf.tensor3d(gridPlaces(grid).data, [1, N, 3]), penalties);
  const got = tf.softmax(tf.add(scores, tf.matMul(asking, answering, false, true))).arraySync() as number[][][];

  const raw = scores.arraySync();
  for (const [head, penalty] of penalties.entries()) {
    for (let q = 0; q < N; q++) {
      const weights = raw[head][q].map((score, k) => {
        const [dx, dy] = [(q % 5) - (k % 5), Math.floor(q / 5) - Math.floor(k / 5)];
        return Math.exp(score - penalty * (dx * dx + dy * dy));
      });
      const total = weights.reduce((sum, weight) => sum + weight);
      for (let k = 0; k < N; k++) expect(got[head][q][k]).toBeCloseTo(weights[k] / total, 5);
    }
  }
});
