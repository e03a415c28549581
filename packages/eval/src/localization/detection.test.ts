import { describe, expect, it } from "vitest";
import { detection } from "./detection.js";

describe("detection", () => {
  it("tells maps with a visible source from maps without one", () => {
    const found = detection([
      { confidence: 0.9, ciou: 0.6 },
      { confidence: 0.8, ciou: undefined },
      { confidence: 0.7, ciou: 0.2 },
      { confidence: 0.1, ciou: undefined },
    ])!;
    expect([found.positives, found.negatives]).toEqual([2, 2]);
    expect(found.presence.averagePrecision).toBeCloseTo((1 + 2 / 3) / 2, 12);
    // Best threshold takes the first three: 2·2 / (3 + 2).
    expect(found.presence.maxF1).toBe(0.8);
    // Only the first is located; half of the recall is out of reach.
    expect(found.located.averagePrecision).toBe(0.5);
    expect(found.located.maxF1).toBeCloseTo((2 * 1) / (1 + 2), 12);
    expect(found.chance.averagePrecision).toBe(0.5);
    expect(found.presence.intervals.averagePrecision.high).toBeLessThanOrEqual(1);
  });

  it("is nothing without both sorts", () => {
    expect(detection([{ confidence: 1, ciou: 0.5 }])).toBeUndefined();
    expect(detection([{ confidence: 1, ciou: undefined }])).toBeUndefined();
  });
});
