import { describe, expect, it } from "vitest";
import { detection } from "./detection.js";

const seen = (confidence: number, model: number, random = 0) => ({ confidence, overlaps: { model, random } });
const unseen = (confidence: number) => ({ confidence, overlaps: undefined });

describe("detection", () => {
  it("tells maps with a visible source from maps without one", () => {
    const found = detection([[seen(0.9, 0.6)], [unseen(0.8)], [seen(0.7, 0.2)], [unseen(0.1)]])!;
    expect([found.positives, found.negatives]).toEqual([2, 2]);
    expect(found.presence.averagePrecision).toBeCloseTo((1 + 2 / 3) / 2, 12);
    // Best threshold takes the first three: 2·2 / (3 + 2).
    expect(found.presence.maxF1).toBe(0.8);
    // Only the first is located; half of the recall is out of reach.
    expect(found.located.averagePrecision).toBe(0.5);
    expect(found.located.maxF1).toBeCloseTo((2 * 1) / (1 + 2), 12);
    expect(found.presence.intervals.averagePrecision.high).toBeLessThanOrEqual(1);
  });

  it("is nothing without both sorts", () => {
    expect(detection([[seen(1, 0.5)]])).toBeUndefined();
    expect(detection([[unseen(1)]])).toBeUndefined();
  });

  it("draws a clip with all of its maps", () => {
    // One clip holds everything: there is no other to draw, so nothing can vary.
    const one = detection([[seen(0.9, 0.6), unseen(0.8), seen(0.7, 0.2), unseen(0.1)]])!;
    const { low, high } = one.presence.intervals.averagePrecision;
    expect(low).toBeCloseTo(one.presence.averagePrecision, 9);
    expect(high).toBeCloseTo(one.presence.averagePrecision, 9);
  });
});
