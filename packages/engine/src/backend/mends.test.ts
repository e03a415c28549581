import { type FloatTensor, float32 } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { eager } from "../run/eager.js";
import { mendPictureGradients } from "./picture-gradients.js";

// As a second copy of this package would.
mendPictureGradients("cpu");

type Fn = (x: tf.Tensor) => tf.Tensor;

const ways = [
  ["compiled", compiled({ threads: 1 })] as const,
  ...(["cpu", "wasm"] as const).map((name) => [name, eager(name)] as const),
];

/** Σ i · y[i], so that a gradient shows which element it came from. */
const weighed = (y: tf.Tensor): tf.Scalar => tf.sum(tf.mul(tf.reshape(y, [-1]), tf.range(1, y.size + 1)));
const gradient = (f: Fn): Fn => tf.grad((x) => weighed(f(x)));
const picture = (x: tf.Tensor) => tf.reshape(x, [1, 2, 3, 1]) as tf.Tensor4D;
const x = 0.3;
const sigmoid = 1 / (1 + Math.exp(-x));

/** Right values of what tfjs computes wrongly whatever the backend: sums by hand, second derivatives by their formulas. */
const cases: readonly (readonly [string, Fn, readonly number[], readonly number[]])[] = [
  [
    "the gradient of a running sum of rows",
    gradient((x) => tf.cumsum(tf.reshape(x, [2, 2]), 0)),
    [1, 1, 1, 1],
    [4, 6, 3, 4],
  ],
  ["a running sum from the end of the axes", (x) => tf.cumsum(tf.reshape(x, [2, 2]), -2), [1, 2, 3, 4], [1, 2, 4, 6]],
  ["its gradient", gradient((x) => tf.cumsum(tf.reshape(x, [2, 2]), -2, true)), [1, 1, 1, 1], [3, 4, 0, 0]],
  // Windows at the edge cover two cells and one: 1/4 of the first, 1/2 of the second, third and so on.
  [
    "the gradient of a padded mean",
    gradient((x) => tf.avgPool(picture(x), 2, 2, "same")),
    [0, 0, 0, 0, 0, 0],
    [0.25, 0.25, 1, 0.25, 0.25, 1],
  ],
  [
    "the gradient of a picture resized by centres",
    gradient((x) => tf.image.resizeBilinear(picture(x), [2, 2], false, true)),
    [0, 0, 0, 0, 0, 0],
    [0.75, 0.75, 1.5, 2.25, 1.75, 3],
  ],
  [
    "the gradient of nearest pixels between corners",
    gradient((x) => tf.image.resizeNearestNeighbor(picture(x), [2, 5], true)),
    [0, 0, 0, 0, 0, 0],
    [1, 5, 9, 6, 15, 19],
  ],
  ["exp twice", tf.grad((x) => tf.sum(tf.grad((x) => tf.exp(x))(x))), [x], [Math.exp(x)]],
  [
    "sigmoid twice",
    tf.grad((x) => tf.sum(tf.grad((x) => tf.sigmoid(x))(x))),
    [x],
    [sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)],
  ],
];

describe.each(ways)("tfjs as it is mended, %s", (_, engine) => {
  it.each(cases)("%s", async (_, fn, given, wanted) => {
    const input = float32([given.length], Float32Array.from(given));
    const program = await (await engine)(fn, input);
    const { data } = (await program.run(input)) as FloatTensor;
    expect(data.length).toBe(wanted.length);
    for (const [at, value] of wanted.entries()) expect(data[at]).toBeCloseTo(value, 5);
    await program.dispose();
  });
});
