import { describe, expect, it } from "vitest";
import { checkExperiment } from "../experiment/check.js";
import { named } from "../experiment/named.js";
import { fadingNote, learningRateAt } from "./schedule.js";

const withSchedule = (schedule: object, epochs: number) =>
  checkExperiment({ ...named["kdc-mae-base"], schedule, training: { batch: 48, epochs } }, "test");
const halving = { kind: "multi-step", from: 10, every: 5, factor: 0.5 };

describe("learningRateAt", () => {
  it.each([
    [{ kind: "constant", warmup: 2 }, [12.5e-6, 25e-6, 37.5e-6, 50e-6, 50e-6]],
    [{ kind: "multi-step", from: 2, every: 1, factor: 0.5, warmup: 2 }, [12.5e-6, 25e-6, 37.5e-6, 50e-6, 25e-6]],
    [{ kind: "cosine", warmup: 2 }, [12.5e-6, 25e-6, 37.5e-6, 50e-6, 50e-6]],
    [{ kind: "constant" }, [50e-6, 50e-6, 50e-6, 50e-6, 50e-6]],
  ])("%o: two steps an epoch", (schedule, wanted) => {
    const rateAt = learningRateAt(withSchedule(schedule, 25), 2);
    for (const [step, rate] of wanted.entries()) expect(rateAt(step)).toBeCloseTo(rate, 10);
  });
});

describe("fadingNote", () => {
  it("says from which epoch a schedule made for fewer teaches next to nothing", () => {
    // Halved at epochs 10, 15 … 95 of 100: 18 times; below a thousandth from the tenth time on, epoch 55 counted from 0.
    expect(fadingNote(withSchedule(halving, 100))).toBe(
      "the learning rate ends at 1.9e-10, from 0.00005 at the start: epochs 56 to 100 train at less than a thousandth of it; " +
        "set schedule.from, schedule.every or schedule.kind=cosine for so many epochs",
    );
  });

  it("is silent where it does not, and about a cosine, which is asked to end there", () => {
    expect(fadingNote(withSchedule(halving, 25))).toBeUndefined();
    expect(fadingNote(withSchedule({ kind: "cosine", warmup: 1 }, 100))).toBeUndefined();
    expect(fadingNote(withSchedule({ kind: "constant" }, 100))).toBeUndefined();
  });
});
