import { createRng } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { planPowerSpectrum } from "./fft.js";

describe("planPowerSpectrum", () => {
  it.each([4, 8, 16, 32, 512, 1024])("equals the definition at size %i, twice with the same plan", (size) => {
    const rng = createRng(size);
    const plan = planPowerSpectrum(size);
    const power = new Float32Array(size / 2 + 1);
    for (let round = 0; round < 2; round++) {
      const frame = Float32Array.from({ length: size }, () => rng.normal());
      plan.run(frame, power);
      for (let k = 0; k <= size / 2; k++) {
        let [re, im] = [0, 0];
        for (const [n, value] of frame.entries()) {
          re += value * Math.cos((2 * Math.PI * k * n) / size);
          im -= value * Math.sin((2 * Math.PI * k * n) / size);
        }
        // A few float32 steps of the amplitude of the whole frame.
        expect(Math.abs(Math.sqrt(power[k]) - Math.hypot(re, im))).toBeLessThan(8 * 2 ** -24 * Math.sqrt(size));
      }
    }
  });

  it("refuses sizes that are no power of two", () => {
    expect(() => planPowerSpectrum(400)).toThrow("the size is 400. Give a power of two of at least 4");
  });
});
