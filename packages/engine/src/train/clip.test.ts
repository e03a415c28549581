import { float32 } from "@kdc-mae/core";
import { describe, expect, it } from "vitest";
import { clipScale, globalNorm } from "./clip.js";

describe("clipping by global norm", () => {
  it("takes all gradients as one vector", () => {
    const gradients = { a: float32([2], Float32Array.of(1, 2)), b: [float32([2], Float32Array.of(4, 10))] };
    expect(globalNorm(gradients)).toBe(11);
  });

  it("scales down what is too long and leaves the rest", () => {
    expect(clipScale(10, 2)).toBeCloseTo(0.2, 6);
    expect(clipScale(1, 2)).toBe(1);
    expect(clipScale(0, 2)).toBe(1);
  });
});
