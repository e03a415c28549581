import { describe, expect, it } from "vitest";
import { constantRate, multiStep, stepDecay, warmupCosine } from "./schedule.js";

const epochs = (count: number, schedule: (at: number) => number) =>
  Array.from({ length: count }, (_, at) => schedule(at));

describe("schedules", () => {
  it("constant", () => expect(epochs(3, constantRate(0.1))).toEqual([0.1, 0.1, 0.1]));

  it("multi-step drops at each milestone", () => {
    expect(epochs(6, multiStep({ rate: 8, factor: 0.5, milestones: [2, 3, 5] }))).toEqual([8, 8, 4, 2, 2, 1]);
  });

  it("step decay is multi-step with even milestones", () => {
    const even = stepDecay({ rate: 1, factor: 0.5, start: 10, every: 5 });
    const listed = multiStep({ rate: 1, factor: 0.5, milestones: [10, 15, 20, 25] });
    expect(epochs(28, even)).toEqual(epochs(28, listed));
  });

  it("warm-up rises to the rate, the cosine falls to the floor", () => {
    const rates = epochs(21, warmupCosine({ rate: 1, warmup: 4, total: 20, floor: 0.1 }));
    expect(rates.slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(rates[12]).toBeCloseTo(0.55, 12);
    expect(rates[20]).toBeCloseTo(0.1, 12);
    for (let at = 5; at < 20; at++) expect(rates[at + 1]).toBeLessThan(rates[at]);
  });

  it("refuse options of other names, and a warm-up of half a unit, which would rise above the rate", () => {
    const pyTorch = { lr: 1, gamma: 0.1, milestones: [2] } as unknown as Parameters<typeof multiStep>[0];
    expect(() => multiStep(pyTorch)).toThrow("multiStep: rate is undefined. Give rate, factor as numbers");
    expect(() => warmupCosine({ rate: 1, warmup: 0.5, total: 3 })).toThrow(
      "warmupCosine: warmup is 0.5. Give a whole number",
    );
  });
});
