import { readFileSync } from "node:fs";
import { float32 } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { adam, adamW } from "./adam.js";

type Case = {
  optimizer: "adam" | "adamW";
  learningRate: number;
  betas: [number, number];
  epsilon: number;
  weightDecay: number;
  after: number[][];
};
const fixture: { values: number[]; gradients: number[][]; cases: Case[] } = JSON.parse(
  readFileSync(new URL("../../../../fixtures/adam/adam.json", import.meta.url), "utf8"),
);
const makers = { adam, adamW };
const tensor = (values: readonly number[]) => float32([values.length], Float32Array.from(values));

describe("adam and adamW", () => {
  for (const { optimizer: name, learningRate, after, ...options } of fixture.cases) {
    it(`${name} equals PyTorch with ${JSON.stringify(options)}`, () => {
      const optimizer = makers[name](options);
      const params = { w: tensor(fixture.values) };
      const state = optimizer.init(params);
      for (const [step, gradient] of fixture.gradients.entries()) {
        optimizer.update(state, params, { w: tensor(gradient) }, learningRate);
        for (const [i, value] of after[step].entries()) expect(Math.abs(params.w.data[i] - value)).toBeLessThan(2e-7);
      }
      expect(state.updates).toBe(fixture.gradients.length);
    });
  }

  it("gives each group its own rate and decay", () => {
    const optimizer = adam({ weightDecay: 0.1, groups: [{ paths: /^head\./, rate: 10, weightDecay: 0 }] });
    const alone = (rate: number, weightDecay: number) => {
      const one = adam({ weightDecay });
      const params = { w: tensor([1, -2, 3]) };
      one.update(one.init(params), params, { w: tensor([0.5, 0.1, -4]) }, rate);
      return [...params.w.data];
    };
    const params = { body: { w: tensor([1, -2, 3]) }, head: { w: tensor([1, -2, 3]) } };
    const gradients = { body: { w: tensor([0.5, 0.1, -4]) }, head: { w: tensor([0.5, 0.1, -4]) } };
    optimizer.update(optimizer.init(params), params, gradients, 0.01);
    expect([...params.body.w.data]).toEqual(alone(0.01, 0.1));
    expect([...params.head.w.data]).toEqual(alone(0.1, 0));
  });

  it("scales gradients on the way in", () => {
    const optimizer = adam({ epsilon: 0.1 });
    const [a, b] = [{ w: tensor([1, 2]) }, { w: tensor([1, 2]) }];
    optimizer.update(optimizer.init(a), a, { w: tensor([4, -8]) }, 0.1, 0.25);
    optimizer.update(optimizer.init(b), b, { w: tensor([1, -2]) }, 0.1);
    expect([...a.w.data]).toEqual([...b.w.data]);
  });

  it("refuses trees that do not match, naming the place", () => {
    const optimizer = adam();
    const params = { a: tensor([1]), b: tensor([1, 2]) };
    const state = optimizer.init(params);
    expect(() => optimizer.update(state, params, { a: tensor([1]), c: tensor([1, 2]) }, 0.1)).toThrow(
      "adam.update: parameters, gradients and optimizer state do not match at b. Give trees of one structure",
    );
  });
});
