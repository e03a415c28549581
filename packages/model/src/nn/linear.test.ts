import * as tf from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import { linear } from "./linear.js";

it("multiplies the last axis with weights [out, in] and adds the bias", async () => {
  await tf.setBackend("cpu");
  const params = {
    weight: tf.tensor2d([
      [1, 2, 3],
      [-1, 0, 5],
    ]),
    bias: tf.tensor1d([10, 20]),
  };
  const y = linear(
    params,
    tf.tensor3d([
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 1, 1],
        [2, -1, 0],
      ],
    ]),
  );
  expect(y.shape).toEqual([1, 5, 2]);
  expect(Array.from(y.dataSync())).toEqual([11, 19, 12, 20, 13, 25, 16, 24, 10, 18]);
});
