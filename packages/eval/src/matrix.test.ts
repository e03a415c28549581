import { expect, it } from "vitest";
import { matrix } from "./matrix.js";

it("a matrix holds as many numbers as it has rows and columns, in a Float32Array", () => {
  expect(matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6)).shape).toEqual([2, 3]);
  expect(matrix(2, 3).data).toEqual(new Float32Array(6));
  expect(() => matrix(2, 3, new Float32Array(4))).toThrow(
    "matrix: the matrix of 2 rows and 3 columns holds 4 numbers, not 6. Pass the whole matrix, row by row",
  );
  expect(() => matrix(1, 2, [1, 2] as unknown as Float32Array)).toThrow("holds its numbers in an Array");
});
