import { describe, expect, it } from "vitest";
import { config, golden } from "../seed0.test.fixture.js";
import { sineCosinePositions } from "./positions.js";

describe("sineCosinePositions", () => {
  it.each([
    ["pos_embed_a", "audio", 32],
    ["pos_embed_v", "visual", 32],
    ["decoder_pos_embed_a", "audio", 24],
    ["decoder_pos_embed_v", "visual", 24],
  ] as const)("equals the official %s", (name, modality, dim) => {
    const ours = sineCosinePositions(config[modality], dim);
    const reference = golden("weights")[name];
    expect(ours.shape).toEqual(reference.shape);
    expect(ours.data.every((value, i) => Math.abs(value - reference.data[i]) <= 6e-8)).toBe(true);
  });

  it("says the column in the first half of the channels and the row in the second", () => {
    const { data } = sineCosinePositions({ rows: 3, columns: 5, patch: 2, channels: 1 }, 8);
    const token = (row: number, column: number) =>
      Array.from(data.slice((row * 5 + column) * 8, (row * 5 + column + 1) * 8));
    expect(token(1, 3).slice(0, 4)).toEqual(token(2, 3).slice(0, 4));
    expect(token(1, 3).slice(4)).toEqual(token(1, 0).slice(4));
    expect(token(1, 3)[0]).toBeCloseTo(Math.sin(3), 6);
    expect(token(1, 3)[4]).toBeCloseTo(Math.sin(1), 6);
  });
});
