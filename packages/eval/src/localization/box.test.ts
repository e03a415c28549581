import { describe, expect, it } from "vitest";
import { boxAfterFit, boxAt, boxMask, centreBox } from "./box.js";

const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });

describe("boxes", () => {
  it("become pixels whose centres they hold, joined and cut at the edge", () => {
    const mask = boxMask([box(1, 0, 2, 1), box(3.4, 1.6, 9, 9)], { width: 5, height: 3 });
    expect(mask.shape).toEqual([3, 5]);
    expect(Array.from(mask.data)).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  });

  it("follow the fit: shorter side scaled, middle cropped", () => {
    // 400 × 200 to 100: half the size, 50 pixels cut off on either side.
    const original = { width: 400, height: 200 };
    expect(boxAfterFit(box(120, 40, 60, 80), original, 100)).toEqual(box(10, 20, 30, 40));
    expect(boxAfterFit(box(80, 0, 40, 40), original, 100)).toEqual(box(0, 0, 10, 20));
    expect(boxAfterFit(box(0, 0, 90, 40), original, 100)).toBeUndefined();
  });

  it("floors the longer side, as the picture's own fit does", () => {
    // 331 × 200 to 100: 165 pixels wide (165.5 rounds to 166), 32 of 65 cut off on the left (Python: round(32.5) = 32).
    const original = { width: 331, height: 200 };
    const fitted = boxAfterFit(box(120, 40, 60, 80), original, 100)!;
    expect(fitted.x).toBeCloseTo((120 * 165) / 331 - 32, 12);
    expect(fitted.width).toBeCloseTo((60 * 165) / 331, 12);
    expect([fitted.y, fitted.height]).toEqual([20, 40]);
  });

  it("move between known times", () => {
    const track = [
      [2, box(10, 0, 4, 4)],
      [0, box(0, 8, 2, 4)],
    ] as const;
    expect(boxAt(track, 0.5)).toEqual(box(2.5, 6, 2.5, 4));
    expect(boxAt(track, 9)).toEqual(box(10, 0, 4, 4));
    expect(boxAt(track, -1)).toEqual(box(0, 8, 2, 4));
    expect(boxAt([], 1)).toBeUndefined();
  });

  it("stand in the centre", () => {
    expect(centreBox(0.5, { width: 8, height: 4 })).toEqual(box(2, 1, 4, 2));
  });
});
