import { createRng, type LossReport } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { expectParity, uniform } from "../parity.test.support.js";
import { eager } from "../run/eager.js";
import { valueAndGradients } from "./gradient.js";

type Params = { layers: { w: tf.Tensor2D; idle: tf.Tensor1D }[] };
const loss = ({ layers }: Params, { x }: { x: tf.Tensor2D }): LossReport => {
  const hidden = layers.reduce<tf.Tensor2D>((h, { w }) => tf.tanh(tf.matMul(h, w, false, true)), x);
  const square = tf.mean(tf.square(hidden)) as tf.Scalar;
  return { total: tf.mul(square, 3), terms: { square } };
};
const rng = createRng(5);
const inputs = {
  params: {
    layers: [
      { w: uniform(rng, [5, 3]), idle: uniform(rng, [2]) },
      { w: uniform(rng, [7, 5]), idle: uniform(rng, [2]) },
    ],
  },
  batch: { x: uniform(rng, [11, 3]) },
};

describe("valueAndGradients", () => {
  it("gives the same compiled and eager", () => expectParity(valueAndGradients(loss), inputs));

  it("agrees with finite differences", async () => {
    const program = await eager("cpu")(valueAndGradients(loss), inputs);
    const { gradients, total, terms } = await program.run(inputs);
    expect(terms.square.data[0] * 3).toBeCloseTo(total.data[0], 6);
    const { data } = inputs.params.layers[1].w;
    const at = (shift: number) => {
      const moved = data.slice();
      moved[4] += shift;
      const [first, second] = inputs.params.layers;
      return program.run({
        ...inputs,
        params: { layers: [first, { ...second, w: { ...second.w, data: moved } }] },
      } as typeof inputs);
    };
    const slope = ((await at(1e-2)).total.data[0] - (await at(-1e-2)).total.data[0]) / 2e-2;
    expect(Math.abs(slope)).toBeGreaterThan(1e-3);
    expect((gradients as typeof inputs.params).layers[1].w.data[4]).toBeCloseTo(slope, 4);
  });

  it("gives zeros to parameters the loss does not use, and names them", async () => {
    let missing: readonly string[] = [];
    const fn = valueAndGradients(loss, (paths) => {
      missing = paths;
    });
    const { gradients } = await (await eager("cpu")(fn, inputs)).run(inputs);
    expect(missing).toEqual(["layers.0.idle", "layers.1.idle"]);
    expect((gradients as typeof inputs.params).layers[0].idle).toMatchObject({ shape: [2], data: new Float32Array(2) });
  });

  it("keeps no tensor", async () => {
    const program = await eager("cpu")(valueAndGradients(loss), inputs);
    await program.run(inputs);
    const before = tf.memory().numTensors;
    await program.run(inputs);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("refuses an empty tree of parameters", () => {
    const fn = valueAndGradients(() => ({ total: tf.scalar(1), terms: {} }));
    expect(() => fn({ params: {}, batch: {} })).toThrow("valueAndGradients: there are no parameters");
  });
});
