import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { planPowerSpectrum } from "./fft.js";

describe("planPowerSpectrum", () => {
  it.each([4, 8, 16, 32, 512, 1024])("equals the definition at size %i, twice with the same plan", (size) => {
    const rng = createRng(size);
    const plan = planPowerSpectrum(size);
    const power = new Float64Array(size / 2 + 1);
    for (let round = 0; round < 2; round++) {
      const frame = Float64Array.from({ length: size }, () => rng.normal());
      plan.run(frame, power);
      for (let k = 0; k <= size / 2; k++) {
        let [re, im] = [0, 0];
        for (const [n, value] of frame.entries()) {
          re += value * Math.cos((2 * Math.PI * k * n) / size);
          im -= value * Math.sin((2 * Math.PI * k * n) / size);
        }
        expect(power[k]).toBeCloseTo(re * re + im * im, 7);
      }
    }
  });

  it("refuses sizes that are no power of two", () => {
    expect(() => planPowerSpectrum(400)).toThrow("the size is 400. Give a power of two of at least 4");
  });
});
