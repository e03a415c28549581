import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { batches } from "./batches.js";
import { balancedWeights, shuffledOrder, weightedOrder } from "./sampler.js";

const rng = createRng("data");

describe("batches", () => {
  const options = { count: 23, batchSize: 5, order: (epoch: number) => shuffledOrder(23, epoch, rng) };

  it("shows each clip at most once an epoch, in another order each epoch, and drops the rest", () => {
    const all = [...batches({ ...options, until: 8 })];
    expect(all.map(({ epoch }) => epoch)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    const epochs = [0, 1].map((e) => all.filter(({ epoch }) => epoch === e).flatMap(({ members }) => [...members]));
    for (const seen of epochs) expect(new Set(seen).size).toBe(20);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("goes on from any step with the same batches", () => {
    const all = [...batches({ ...options, until: 9 })];
    expect([...batches({ ...options, from: 6, until: 9 })]).toEqual(all.slice(6));
  });

  it("refuses a batch that cannot be filled", () => {
    expect(() => batches({ ...options, count: 4 }).next()).toThrow("4 clips do not fill one batch of 5");
  });
});

describe("weightedOrder", () => {
  const labels = [...Array.from({ length: 90 }, () => ["common"]), ...Array.from({ length: 10 }, () => ["rare"])];

  it("evens out classes by 1000 / (count + 0.01) for each label", () => {
    const weights = balancedWeights([["a"], ["a", "b"], []]);
    expect(weights[0]).toBeCloseTo(1000 / 2.01, 9);
    expect(weights[1]).toBeCloseTo(1000 / 2.01 + 1000 / 1.01, 9);
    expect(weights[2]).toBe(0);
    const weighted = balancedWeights(labels);
    const drawn = Array.from({ length: 40 }, (_, epoch) => [...weightedOrder(weighted, epoch, rng)]).flat();
    const rare = drawn.filter((clip) => clip >= 90).length / drawn.length;
    expect(Math.abs(rare - 0.5)).toBeLessThan(0.03);
    expect(new Set(drawn).size).toBe(100);
  });

  it("repeats with its seed and epoch, never draws weight 0, refuses none", () => {
    const weights = Float64Array.from([0, 1, 3, 0]);
    expect(weightedOrder(weights, 5, rng)).toEqual(weightedOrder(weights, 5, createRng("data")));
    const drawn = Array.from({ length: 100 }, (_, epoch) => [...weightedOrder(weights, epoch, rng)]).flat();
    expect(new Set(drawn)).toEqual(new Set([1, 2]));
    expect(() => weightedOrder(Float64Array.from([0, 0]), 0, rng)).toThrow("Give every clip a weight of 0 or more");
  });
});
