import { float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import { cases, float, int, testGradients, testValues, type X } from "./cases.test.support.js";

describe("kernels that take apart and put together", () => {
  testGradients(
    cases(
      ["slice", [float(5, 3, 7)], (x: X) => tf.slice(x, [1, 0, 2], [3, -1, 4])],
      ["slice of everything", [float(5, 3)], (x: X) => tf.slice(tf.square(x), [0, 0], [5, 3])],
      ["concat", [float(5, 3), float(5, 2), float(5, 1)], (a: X, b: X, c: X) => tf.concat([a, b, c], 1)],
      ["concat −2", [float(5, 3), float(2, 3)], (a: X, b: X) => tf.concat([a, b], -2)],
      ["split evenly", [float(5, 6)], (x: X) => tf.split(x, 3, 1)],
      ["split by sizes", [float(7, 2)], (x: X) => tf.split(x, [4, 1, 2], 0)],
      ["stack", [float(5, 3), float(5, 3)], (a: X, b: X) => tf.stack([a, b], 1)],
      ["unstack", [float(5, 3, 2)], (x: X) => tf.unstack(x, 1)],
      [
        "pad",
        [float(5, 3)],
        (x: X) =>
          tf.pad(
            x,
            [
              [1, 2],
              [0, 3],
            ],
            0.5,
          ),
      ],
      ["reverse", [float(5, 3, 2)], (x: X) => tf.reverse(x, [0, 2])],
      ["reverse −1", [float(5, 3, 2)], (x: X) => tf.reverse(x, -1)],
    ),
  );

  testValues(
    cases(
      ["stridedSlice", [float(7, 5)], (x: X) => tf.stridedSlice(x, [1, 0], [7, 5], [2, 3])],
      ["stridedSlice backwards", [float(7, 5)], (x: X) => tf.stridedSlice(x, [6, 0], [0, 5], [-2, 2])],
      ["stridedSlice with masks", [float(7, 5)], (x: X) => tf.stridedSlice(x, [-1, 0], [0, 0], [-1, 1], 0, 3)],
      [
        "mirrorPad",
        [float(5, 3)],
        (x: X) =>
          (["reflect", "symmetric"] as const).map((mode) =>
            tf.mirrorPad(
              x,
              [
                [2, 1],
                [0, 2],
              ],
              mode,
            ),
          ),
      ],
      ["pad ints and bools", [int(-3, 4, 5)], (x: X) => [tf.pad(x, [[1, 2]], 7), tf.pad(tf.greater(x, 0), [[1, 2]])]],
      ["concat and split ints", [int(-3, 4, 5, 4)], (x: X) => tf.concat(tf.split(x, 2, 1).toReversed(), 0)],
    ),
  );

  it("drops an axis with stridedSlice, where the cpu backend of tfjs reads the wrong place", async () => {
    const x = float32(
      [2, 3, 2],
      Float32Array.from({ length: 12 }, (_, i) => i),
    );
    const program = await compile((t: X) => tf.stridedSlice(t, [-1, 0, 1], [0, 0, 2], [-1, 1, 1], 0, 3, 0, 0, 4), x);
    const { shape, data } = await program.run(x);
    await program.dispose();
    expect(shape).toEqual([2, 3]);
    expect([...data]).toEqual([7, 9, 11, 1, 3, 5]);
  });
});
