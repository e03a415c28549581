import { createRng } from "@kdc-mae/core";
import { expect, it } from "vitest";
import { logarithm } from "./logarithm.js";

it("equals Math.log to 2e-10 from 1e-300 to 1e300, and at the powers of two", () => {
  const rng = createRng("log");
  const random = Array.from({ length: 20000 }, () => 10 ** (600 * rng.uniform() - 300));
  const powers = Array.from({ length: 200 }, (_, index) => 2 ** (index - 100));
  const near = powers.flatMap((power) => [power, power * (1 + 2 ** -52), power * (1 - 2 ** -53)]);
  for (const x of [...random, ...near]) expect(Math.abs(logarithm(x) - Math.log(x))).toBeLessThan(2e-10);
});
