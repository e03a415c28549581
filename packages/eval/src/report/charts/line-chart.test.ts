import { describe, expect, it } from "vitest";
import { lineChart, roundTicks, thinned } from "./line-chart.js";

describe("line chart", () => {
  it("has round ticks that hold all values", () => {
    expect(roundTicks(0, 1, 4)).toEqual([0, 0.5, 1]);
    expect(roundTicks(0.31, 2.7, 5)).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3]);
    expect(roundTicks(-30, 470, 5)).toEqual([-100, 0, 100, 200, 300, 400, 500]);
    const single = roundTicks(7, 7, 4);
    expect(single[0]).toBeLessThanOrEqual(7);
    expect(single.at(-1)).toBeGreaterThan(single[0]);
  });

  it("thins by averaging neighbours", () => {
    const points = Array.from({ length: 1000 }, (_, i) => [i, i % 2] as const);
    const few = thinned(points, 100);
    expect(few.length).toBe(100);
    expect(few[0]).toEqual([4.5, 0.5]);
    expect(thinned(points.slice(0, 7), 100)).toHaveLength(7);
  });

  it("breaks the line where there is no number, and says when there is nothing to draw", () => {
    const points = [
      [0, 1],
      [1, 2],
      [2, Number.NaN],
      [3, 1],
      [4, 2],
    ] as const;
    const drawn = lineChart("loss <1>", [{ name: "a", points }], { x: "step", y: "loss" });
    const [, path] = /class="line line-0" d="([^"]+)"/.exec(drawn)!;
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.match(/L/g)).toHaveLength(2);
    expect(drawn).not.toContain("NaN");
    expect(drawn).not.toContain("<circle");
    expect(drawn).toContain("loss &lt;1&gt;");
    expect(lineChart("none", [], { x: "x", y: "y" })).toContain("no points to draw");
  });

  it("draws a point that has no neighbour, and every point where asked", () => {
    const axes = { x: "confidence", y: "accuracy", xRange: [0, 1], yRange: [0, 1] } as const;
    const one = lineChart("calibration", [{ name: "a", points: [[0.99, 0.98]] }], axes);
    // 44 to 348 across, 186 up to 12.
    expect(one).toContain('<circle class="dots dots-0" cx="344.96" cy="15.48"');
    const apart = [
      [0, 1],
      [0.5, Number.NaN],
      [1, 0],
    ] as const;
    expect(lineChart("c", [{ name: "a", points: apart }], axes).match(/<circle/g)).toHaveLength(2);
    const two = [
      [0, 1],
      [1, 0],
    ] as const;
    expect(lineChart("c", [{ name: "a", points: two }], { ...axes, dots: true }).match(/<circle/g)).toHaveLength(2);
  });
});
