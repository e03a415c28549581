import { expect, it } from "vitest";
import { centreSquare, peakRegion } from "./peak-region.js";

const map = (rows: readonly (readonly number[])[]) => ({
  shape: [rows.length, rows[0].length],
  data: Float32Array.from(rows.flat()),
});

it("is the box of the cells in the upper quarter that hang together with the hottest", () => {
  const found = peakRegion(
    map([
      [0, 0, 0, 0, 0.9],
      [0, 0.8, 1, 0, 0],
      [0, 0.9, 0.7, 0, 0],
    ]),
  );
  expect(found).toEqual({ peak: { row: 1, column: 2 }, row: 1, column: 1, rows: 2, columns: 2 });
});

it("looks at a map's own range, whatever it is", () => {
  const low = map([
    [-9, -9.5, -10],
    [-9.1, -9.3, -10],
  ]);
  expect(peakRegion(low)).toEqual({ peak: { row: 0, column: 0 }, row: 0, column: 0, rows: 2, columns: 1 });
  expect(peakRegion(map([[3, 3, 3]]))).toMatchObject({ row: 0, column: 0, rows: 1, columns: 3 });
});

it("finds the square in the middle", () => {
  expect(centreSquare({ width: 160, height: 90 })).toEqual({ x: 35, y: 0, side: 90 });
  expect(centreSquare({ width: 45, height: 90 })).toEqual({ x: 0, y: 22.5, side: 45 });
});
