import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { pick, place } from "./place.js";

beforeAll(() => tf.setBackend("cpu"));

const tokens = tf.tensor3d([
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  [
    [7, 8, 9],
    [10, 11, 12],
  ],
]);
const positions = tf.tensor2d(
  [
    [4, 0],
    [1, 3],
  ],
  undefined,
  "int32",
);
const blank = tf.tensor3d([-1, -2, -3], [1, 1, 3]);

describe("place", () => {
  it("seats each token at its own position and the blank elsewhere", () => {
    const b = [-1, -2, -3];
    expect(place(tokens, positions, 5, blank).arraySync()).toEqual([
      [[4, 5, 6], b, b, b, [1, 2, 3]],
      [b, [7, 8, 9], b, [10, 11, 12], b],
    ]);
  });

  it("is undone by pick", () => {
    expect(pick(place(tokens, positions, 5, blank), positions).arraySync()).toEqual(tokens.arraySync());
  });

  it("gives each token the gradient of its seat, and the blank the sum over empty seats", () => {
    const slots = tf.tensor3d(
      Array.from({ length: 30 }, (_, i) => i),
      [2, 5, 3],
    );
    const f = (tokens: tf.Tensor, blank: tf.Tensor) =>
      tf.sum(tf.mul(place(tokens as tf.Tensor3D, positions, 5, blank), slots));
    const [dTokens, dBlank] = tf.grads(f)([tokens, blank]);
    expect(dTokens.arraySync()).toEqual(pick(slots, positions).arraySync());
    expect(dBlank.arraySync()).toEqual([[[3 + 6 + 9 + 15 + 21 + 27, 81 + 6, 81 + 12]]]);
  });
});
