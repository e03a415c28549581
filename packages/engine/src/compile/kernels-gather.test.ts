import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";
import { cases, float, int, notOnTensorflow, testGradients, testValues, type X } from "./cases.test.support.js";

const pick = (x: X, i: X, axis?: number, batch?: number): X => tf.gather(x, i as tf.Tensor1D, axis, batch);

describe("kernels that go by index", () => {
  testGradients(
    cases(
      ["gather", [float(5, 3), int(0, 5, 7)], (x: X, i: X) => pick(x, i)],
      ["gather along 1", [float(5, 3, 2), int(0, 3, 7)], (x: X, i: X) => pick(x, i, 1)],
    ),
  );
  testGradients(
    notOnTensorflow(
      "it takes no negative axis",
      cases(["gather along −1", [float(5, 3, 2), int(0, 2, 7)], (x: X, i: X) => pick(x, i, -1)]),
    ),
  );

  testValues(
    cases(
      ["gather by a matrix", [float(5, 3), int(0, 5, 7, 2)], (x: X, i: X) => pick(x, i)],
      ["gather in batches", [float(2, 5, 3), int(0, 5, 2, 7)], (x: X, i: X) => pick(x, i, 1, 1)],
      ["gather in batches along a later axis", [float(2, 3, 5), int(0, 5, 2, 7)], (x: X, i: X) => pick(x, i, 2, 1)],
      ["gather ints", [int(-4, 5, 5, 3), int(0, 5, 7)], (x: X, i: X) => pick(x, i)],
      ["gatherND", [float(5, 3, 2), int(0, 3, 7, 2)], (x: X, i: X) => tf.gatherND(x, i)],
      ["scatterND adds", [int(0, 5, 7, 1), float(7, 3)], (i: X, u: X) => tf.scatterND(i, u, [5, 3])],
      [
        "unsortedSegmentSum",
        [float(7, 3), int(0, 5, 7)],
        (x: X, i: X) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 5),
      ],
      // TensorFlow: what belongs to no segment is left out.
      [
        "unsortedSegmentSum, of rows of no segment too",
        [float(7, 3), int(-2, 7, 7)],
        (x: X, i: X) =>
          tf.unsortedSegmentSum(x, tf.maximum(i, tf.tensor1d([-1, 5, 0, 0, 0, 0, 0], "int32")) as tf.Tensor1D, 5),
      ],
      ["diag", [float(5)], (x: X) => tf.diag(x)],
      ["diag of ints, more axes", [int(-4, 5, 2, 3)], (x: X) => tf.diag(x)],
      ["diag of one number, and of a known one", [float(1)], (x: X) => [tf.diag(x), tf.diag(tf.fill([3], 2))]],
      [
        "sparseToDense",
        [int(0, 1, 3, 1), float(3), float()],
        (zeros: X, x: tf.Tensor1D, rest: tf.Scalar) => {
          const at = tf.add(zeros, tf.tensor2d([0, 1, 4], [3, 1], "int32"));
          return [
            tf.sparseToDense(at.flatten(), x, [5], rest),
            tf.sparseToDense(tf.concat([at, at], 1) as tf.Tensor2D, x, [5, 7], rest),
            tf.sparseToDense(at.flatten(), rest, [5], tf.scalar(3)),
            tf.sparseToDense(tf.scalar(3, "int32"), rest, [5]),
          ];
        },
      ],
      ["oneHot", [int(0, 5, 7, 2)], (i: X) => tf.oneHot(i as tf.Tensor2D, 5)],
      ["oneHot out of range", [int(-2, 9, 11)], (i: X) => tf.oneHot(i as tf.Tensor1D, 5)],
      ["oneHot with values", [int(0, 5, 7)], (i: X) => tf.oneHot(i as tf.Tensor1D, 5, 3, -1)],
      ["topk", [float(5, 7)], (x: X) => Object.values(tf.topk(x, 3))],
    ),
  );
  testValues(
    notOnTensorflow(
      "it has no diagonal of bools",
      cases(["diag of bools", [float(5)], (x: X) => tf.diag(tf.greater(x, 0))]),
    ),
  );

  it.each([
    ["gather", [float(5, 3), int(-1, 0, 1)], pick],
    ["gatherND", [float(5, 3), int(-1, 0, 1, 1)], (x: X, i: X) => tf.gatherND(x, i)],
    ["scatterND", [float(1, 3), int(-1, 0, 1, 1)], (x: X, i: X) => tf.scatterND(i, x, [5, 3])],
    ["gather beyond", [float(5, 3), int(5, 6, 1)], pick],
  ] as const)("%s with an index that is none: refused, as eagerly; NaN on WebGPU", async (_, inputs, fn) => {
    const given = ([x, i]: readonly X[]) => fn(x, i);
    const program = await compile(given, [...inputs], { threads: 1 });
    await expect(program.run([...inputs])).rejects.toThrow(/out of data bounds|invalid ind/);
    await program.dispose();
    const onCard = await (await runtimeForTests())?.execute(given, [...inputs]);
    if (onCard) expect((await onCard.run([...inputs])).data[0]).toBeNaN();
  });
});
