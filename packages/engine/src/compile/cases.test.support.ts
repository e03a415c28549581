import { basename } from "node:path";
import { createRng, type HostTensor, type Rng } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { compile } from "../onnxruntime/compile.js";
import { expectParity, integers, uniform } from "../parity.test.support.js";
import { runtimeForTests } from "../webgpu/adapter.test.support.js";

export type X = tf.Tensor;
type Made = X | readonly X[];

/** A function of a few tensors, tried on these inputs. */
export type Case = {
  readonly name: string;
  readonly inputs: readonly HostTensor[];
  readonly fn: (...inputs: X[]) => Made;
};

const streams = new Map<string, Rng>();

/** Numbers of the test file's own: files share this module in one process, and come in any order. */
const rng = (): Rng => {
  const file = basename(expect.getState().testPath ?? "");
  const known = streams.get(file) ?? createRng(`kernels/${file}`);
  streams.set(file, known);
  return known;
};

/** Values in [−2, 2). */
export const float = (...shape: number[]): HostTensor => uniform(rng(), shape, 2);

/** Values in [0.3, 1.7). */
export const positive = (...shape: number[]): HostTensor =>
  numbers(
    shape,
    uniform(rng(), shape, 0.7).data.map((x) => x + 1),
  );

/** Integers in [low, high). */
export const int = (low: number, high: number, ...shape: number[]): HostTensor => integers(rng(), shape, low, high);

/** Given values. */
export const numbers = (shape: readonly number[], values: ArrayLike<number>): HostTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

/** Cases in short: name, inputs, function. */
export const cases = (
  ...list: readonly (readonly [name: string, inputs: readonly HostTensor[], fn: (...inputs: never[]) => Made])[]
): Case[] => list.map(([name, inputs, fn]) => ({ name, inputs, fn: fn as Case["fn"] }));

/** Cases in which tfjs-node is known to do otherwise than tfjs's cpu backend, which compiled programs follow; not tried on it. */
export const notOnTensorflow = (difference: string, list: readonly Case[]): readonly Case[] => {
  if (process.env.KDC_TEST_BACKEND !== "tensorflow") return list;
  for (const { name } of list) console.info(`skipped on tfjs-node: ${name}: ${difference}`);
  return [];
};

/** A tfjs operation by its name. */
export const operation = (name: string): Case["fn"] => (tf as unknown as Record<string, Case["fn"]>)[name];

const record = (made: Made): Record<string, X> =>
  Object.fromEntries((made instanceof tf.Tensor ? [made] : made).map((tensor, i) => [`y${i}`, tensor]));

/** A sum in which every output value has its own weight, so that no mistake can cancel out. */
const weighted = (made: Made): tf.Scalar =>
  tf.addN(
    Object.values(record(made)).map((y) => {
      const weights = tf.sin(tf.add(tf.range(0, y.size), 1)).reshape(y.shape);
      return tf.sum(tf.mul(y, weights));
    }),
  ) as tf.Scalar;

const gradients = (fn: Case["fn"], inputs: readonly X[]): Record<string, X> => {
  const floats = inputs.filter((tensor) => tensor.dtype === "float32");
  const { value, grads } = tf.engine().gradients(() => weighted(fn(...inputs)), floats, undefined, true);
  return { value, ...Object.fromEntries(grads.map((grad, i) => [`d${i}`, grad ?? tf.zerosLike(floats[i])])) };
};

const runtime = await runtimeForTests();
/** The card's own exp, log and order of adding: 2e-5 is too close where a sum cancels. */
const onCard = 5e-5;

/** A function tried on every runtime there is. */
const everywhere = (
  name: string,
  fn: (given: readonly X[]) => Record<string, X>,
  inputs: readonly HostTensor[],
): void => {
  it(name, () => expectParity(fn, inputs));
  if (runtime !== undefined) it(`${name}, on WebGPU`, () => expectParity(fn, inputs, onCard, runtime.execute));
};

/** Compiled values equal eager ones. */
export function testValues(list: readonly Case[]): void {
  for (const { name, inputs, fn } of list) everywhere(name, (given) => record(fn(...given)), inputs);
}

/** Compiled values and gradients equal eager ones. */
export function testGradients(list: readonly Case[]): void {
  for (const { name, inputs, fn } of list) {
    everywhere(`${name}, with gradients`, (given) => ({ ...record(fn(...given)), ...gradients(fn, given) }), inputs);
  }
}

/**
 * For linear functions of one tensor whose gradient the cpu backend of tfjs has wrong: the gradient's product with any
 * direction is the function of that direction.
 */
export function testLinear(list: readonly Case[]): void {
  for (const { name, inputs, fn } of list) {
    it(`${name}, its gradient by linearity`, async () => {
      const both = ([x, direction]: readonly X[]) => ({
        along: tf.sum(tf.mul(gradients(fn, [x]).d0, direction)),
        direct: weighted(fn(direction)),
      });
      const given = [inputs[0], uniform(rng(), inputs[0].shape)];
      const program = await compile(both, given, { threads: 1 });
      const { along, direct } = await program.run(given);
      await program.dispose();
      expect(Math.abs(direct.data[0])).toBeGreaterThan(0.01);
      expect(along.data[0]).toBeCloseTo(direct.data[0], 4);
    });
  }
}
