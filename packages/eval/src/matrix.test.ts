import { expect, it } from "vitest";
import { matrix } from "./matrix.js";

it("a matrix holds as many numbers as it has rows and columns, in a Float32Array", () => {
  expect(matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6)).shape).toEqual([2, 3]);
  expect(matrix(2, 3).data).toEqual(new Float32Array(6));
  const message = "matrix: 2 × 3 numbers are not what the data hold. Pass the whole matrix: Float32Array.from";
  expect(() => matrix(2, 3, new Float32Array(4))).toThrow(message);
  expect(() => matrix(2, 3, [1, 2, 3, 4, 5, 6] as unknown as Float32Array)).toThrow(message);
});
