import { presets } from "@kdc-mae/model";
import { expect, it } from "vitest";
import { pretrainFlops } from "./flops.js";

it("agrees with the published scale: about 467 GFLOP per clip and step at paper size", () => {
  expect(pretrainFlops(presets.base, 2, 0.75) / 1e9).toBeCloseTo(467, -1);
});
