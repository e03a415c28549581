import { createRng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { shiftAndSum, softmaxDistribution } from "./distribution.js";
import { jensenShannon } from "./jensen-shannon.js";
import { kullbackLeibler, symmetricKullbackLeibler } from "./kullback-leibler.js";
import { maximumMeanDiscrepancy } from "./maximum-mean-discrepancy.js";
import { meanSquared } from "./mean-squared.js";

const [B, D] = [5, 17];

function normal(seed: string, rows = B): tf.Tensor2D {
  const rng = createRng(seed);
  return tf.tensor2d(
    Float32Array.from({ length: rows * D }, () => rng.normal()),
    [rows, D],
  );
}

const distributions = { "shift-and-sum": shiftAndSum, "softmax 0.3": softmaxDistribution(0.3) };
const values = (x: tf.Tensor): number[] => Array.from(x.dataSync());

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("distributions", () => {
  for (const [name, distribution] of Object.entries(distributions)) {
    it(`${name}: no probability below 0, rows sum to 1`, () => {
      const p = distribution(normal(name));
      expect(Math.min(...values(p))).toBeGreaterThanOrEqual(0);
      for (const sum of values(tf.sum(p, 1))) expect(sum).toBeCloseTo(1, 5);
    });
  }

  it("shift-and-sum takes one minimum over the whole batch", () => {
    expect(values(shiftAndSum(tf.tensor2d([-1, 1, 3, 0, 4, 5], [2, 3])))).toEqual(
      [0, 2 / 6, 4 / 6, 1 / 12, 5 / 12, 6 / 12].map(Math.fround),
    );
  });

  it("a high temperature flattens, a low one picks the highest", () => {
    const x = tf.tensor2d([1, 2, 4], [1, 3]);
    for (const share of values(softmaxDistribution(1e4)(x))) expect(share).toBeCloseTo(1 / 3, 3);
    expect(values(softmaxDistribution(0.05)(x))[2]).toBeCloseTo(1, 5);
  });
});

describe("divergences of distributions", () => {
  for (const [name, distribution] of Object.entries(distributions)) {
    const p = () => distribution(normal("p"));
    const q = () => distribution(normal("q"));

    it(`${name}: 0 for equal distributions, above 0 for others`, () => {
      for (const divergence of [jensenShannon, kullbackLeibler, symmetricKullbackLeibler]) {
        expect(values(divergence(p(), p()))).toEqual(new Array(B).fill(0));
        expect(Math.min(...values(divergence(p(), q())))).toBeGreaterThan(0.01);
      }
    });

    it(`${name}: Jensen–Shannon and symmetric KL do not mind the order; KL does`, () => {
      for (const divergence of [jensenShannon, symmetricKullbackLeibler]) {
        const [forth, back] = [values(divergence(p(), q())), values(divergence(q(), p()))];
        for (const [clip, value] of forth.entries()) expect(back[clip]).toBeCloseTo(value, 5);
      }
      expect(values(kullbackLeibler(p(), q()))[0]).not.toBeCloseTo(values(kullbackLeibler(q(), p()))[0], 3);
    });
  }

  it("Jensen–Shannon is at most ln 2, and that for distributions with nothing in common", () => {
    const first = tf.tensor2d([0.5, 0.5, 0, 0, 1, 0, 0, 0], [2, 4]);
    const second = tf.tensor2d([0, 0, 0.25, 0.75, 0, 0, 0, 1], [2, 4]);
    for (const value of values(jensenShannon(first, second))) expect(value).toBeCloseTo(Math.LN2, 5);
    for (const value of values(jensenShannon(shiftAndSum(normal("a")), softmaxDistribution(0.01)(normal("b"))))) {
      expect(value).toBeLessThanOrEqual(Math.LN2 + 1e-6);
    }
  });

  it("Jensen–Shannon of nearly equal distributions keeps its value and a finite gradient in float32", () => {
    const x = normal("near");
    const near = tf.add(x, tf.mul(normal("step"), 3e-3)) as tf.Tensor2D;
    const precise = (p: number[], q: number[]): number =>
      p.reduce((sum, value, channel) => {
        const middle = (value + q[channel]) / 2;
        const part = (share: number) => (share > 0 ? share * Math.log(share / middle) : 0);
        return sum + (part(value) + part(q[channel])) / 2;
      }, 0);
    const [p, q] = [shiftAndSum(x), shiftAndSum(near)];
    const [pRows, qRows] = [p.arraySync(), q.arraySync()];
    for (const [clip, value] of values(jensenShannon(p, q)).entries()) {
      expect(Math.abs(value - precise(pRows[clip], qRows[clip]))).toBeLessThan(5e-8);
    }
    const gradient = tf.grad((z) => tf.sum(jensenShannon(shiftAndSum(z as tf.Tensor2D), q)))(x);
    expect(values(gradient).every(Number.isFinite)).toBe(true);
  });

  it("an exact zero on either side, or both, leaves every value and gradient finite", () => {
    const p = tf.tensor2d([0, 0, 0.4, 0.6], [1, 4]);
    const q = tf.tensor2d([0, 0.5, 0, 0.5], [1, 4]);
    for (const divergence of [jensenShannon, kullbackLeibler, symmetricKullbackLeibler]) {
      const gradients = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
        tf.sum(divergence(a as tf.Tensor2D, b as tf.Tensor2D)),
      )([p, q]);
      const all = [divergence(p, q), ...gradients].flatMap(values);
      expect(all.every(Number.isFinite)).toBe(true);
      expect(Math.max(...all.map(Math.abs))).toBeLessThan(100);
    }
  });
});

describe("distances of embeddings", () => {
  it("mean squared error is per clip, over channels", () => {
    const distance = meanSquared(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([2, 4, 3, 4], [2, 2]));
    expect(values(distance)).toEqual([2.5, 0]);
  });

  it("the discrepancy is 0 for the same batch, small for two of one kind, large for another kind", () => {
    const discrepancy = (x: tf.Tensor2D, y: tf.Tensor2D): number => values(tf.mean(maximumMeanDiscrepancy(x, y)))[0];
    const batch = normal("one", 101);
    const [alike, moved] = [normal("two", 101), tf.add(normal("three", 101), 1.5) as tf.Tensor2D];
    expect(values(maximumMeanDiscrepancy(batch, batch))).toEqual(new Array(101).fill(0));
    expect(discrepancy(batch, alike)).toBeLessThan(0.02);
    expect(discrepancy(batch, moved)).toBeGreaterThan(0.2);
  });

  it("the discrepancy does not mind which clip stands where", () => {
    const [x, y] = [normal("x"), normal("y")];
    const [before] = values(tf.mean(maximumMeanDiscrepancy(x, y)));
    const [after] = values(tf.mean(maximumMeanDiscrepancy(x, tf.reverse(y, 0))));
    expect(after).toBeCloseTo(before, 5);
  });

  it("a batch of equal embeddings gives 0, not NaN", () => {
    const same = tf.ones<tf.Rank.R2>([3, D]);
    expect(values(maximumMeanDiscrepancy(same, same))).toEqual([0, 0, 0]);
  });
});
