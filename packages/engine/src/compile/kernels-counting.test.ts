import * as tf from "@tensorflow/tfjs-core";
import { describe } from "vitest";
import { cases, float, int, notOnTensorflow, numbers, testValues, type X } from "./cases.test.support.js";

type Row = tf.Tensor1D;
type Rows = tf.Tensor2D;
const none = () => tf.tensor1d([]);

const steps = numbers([2, 5], [-1, 0.5, 0.5, 0.5, 1.5, -2, -1, 0, 1, 2]);
const asked = numbers([2, 7], [-3, -1, 0.25, 0.5, 1, 1.5, 3, -2, -1.5, 0, 0.5, 1, 2, 7]);

describe("kernels that count", () => {
  testValues(
    cases(
      ["bincount", [int(0, 9, 31)], (x: Row) => tf.bincount(x, none(), 7)],
      ["bincount with weights", [int(0, 9, 31), float(31)], (x: Row, w: Row) => tf.bincount(x, w, 7)],
      ["bincount with int weights", [int(0, 9, 31), int(-5, 6, 31)], (x: Row, w: Row) => tf.bincount(x, w, 11)],
    ),
  );
  testValues(
    notOnTensorflow(
      "it has no such kernel",
      cases(
        ["denseBincount of a row", [int(0, 9, 31), float(31)], (x: Row, w: Row) => tf.denseBincount(x, w, 7)],
        ["denseBincount of rows", [int(0, 9, 3, 11)], (x: Rows) => tf.denseBincount(x, none() as X as Rows, 7)],
        [
          "denseBincount with weights",
          [int(0, 9, 3, 11), float(3, 11)],
          (x: Rows, w: Rows) => tf.denseBincount(x, w, 7),
        ],
        [
          "denseBincount, whether or not",
          [int(0, 9, 3, 11), float(3, 11)],
          (x: Rows, w: Rows) => tf.denseBincount(x, w, 7, true),
        ],
        ["lowerBound", [steps, asked], (s: X, v: X) => tf.lowerBound(s, v)],
        ["upperBound", [steps, asked], (s: X, v: X) => tf.upperBound(s, v)],
        [
          "searchSorted of more axes",
          [steps, asked],
          (s: X, v: X) => tf.searchSorted(tf.reshape(s, [2, 1, 5]), tf.reshape(v, [2, 1, 7]), "right"),
        ],
        [
          "searchSorted of ints",
          [int(-4, 5, 2, 5), int(-6, 7, 2, 11)],
          (s: X, v: X) => tf.searchSorted(tf.cumsum(tf.abs(s), 1), v, "left"),
        ],
        [
          "searchSorted of ints among floats",
          [steps, int(-3, 4, 2, 11)],
          (s: X, v: X) => tf.searchSorted(s, v, "right"),
        ],
      ),
    ),
  );
});
