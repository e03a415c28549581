import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { cases, float, int, testGradients, testValues, type X } from "./cases.test.support.js";
import { trace } from "./trace.js";

describe("matrix kernels", () => {
  testGradients([
    ...[false, true].flatMap((ta) =>
      [false, true].flatMap((tb) =>
        cases(
          [
            `matMul ${ta ? "aᵀ" : "a"} ${tb ? "bᵀ" : "b"}`,
            [ta ? float(3, 5) : float(5, 3), tb ? float(7, 3) : float(3, 7)],
            (a: X, b: X) => tf.matMul(a, b, ta, tb),
          ],
          [
            `batched matMul ${ta ? "aᵀ" : "a"} ${tb ? "bᵀ" : "b"}`,
            [ta ? float(2, 3, 5) : float(2, 5, 3), tb ? float(2, 7, 3) : float(2, 3, 7)],
            (a: X, b: X) => tf.matMul(a, b, ta, tb),
          ],
        ),
      ),
    ),
    ...cases(
      ["dot", [float(5), float(5)], (a: X, b: X) => tf.dot(a, b)],
      [
        "fused matMul",
        [float(5, 3), float(3, 7), float(7)],
        (a: X, b: X, bias: X) => tf.fused.matMul({ a, b, bias, activation: "relu" }),
      ],
    ),
  ]);

  testValues([
    ...cases(
      ["matMul broadcast over the batch", [float(2, 5, 3), float(1, 3, 7)], (a: X, b: X) => tf.matMul(a, b)],
      ["matMul int", [int(-4, 5, 5, 3), int(-4, 5, 7, 3)], (a: X, b: X) => tf.matMul(a, b, false, true)],
      ["bandPart", [float(2, 5, 7)], (a: X) => tf.linalg.bandPart(a, 1, 3)],
      ["einsum", [float(5, 3), float(2, 3, 7)], (a: X, b: X) => tf.einsum("ij,bjk->bik", a, b)],
    ),
    ...(["sigmoid", "elu", "relu6", "leakyrelu"] as const).flatMap((activation) =>
      cases([
        `fused matMul with ${activation}`,
        [float(5, 3), float(3, 7), float(7)],
        (a: X, b: X, bias: X) => tf.fused.matMul({ a, b, bias, activation, leakyreluAlpha: 0.3 }),
      ]),
    ),
  ]);

  it("names a fused activation it does not know", () => {
    const fn = ({ a, b }: { a: X; b: X }) =>
      tf.engine().runKernel("_FusedMatMul", { a, b }, { activation: "swish" } as never) as X;
    expect(() => trace(fn, { a: float(5, 3), b: float(3, 7) })).toThrow(
      "compile: _FusedMatMul: the fused activation swish is not known. Use one of relu, relu6",
    );
  });
});
