import { createRng, type FloatTensor, type Rng, sizeOf } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { uniform } from "../parity.test.support.js";

type Tensor = tf.Tensor;

/** One random step: takes tensors made so far, gives a new one, or nothing where it does not fit. */
type Step = (rng: Rng, pool: readonly Tensor[]) => Tensor | undefined;

const pick = <Item>(rng: Rng, items: readonly Item[]): Item => items[rng.integer(items.length)];

const unary =
  (fn: (x: Tensor) => Tensor): Step =>
  (rng, pool) =>
    fn(pick(rng, pool));

const binary =
  (fn: (a: Tensor, b: Tensor) => Tensor): Step =>
  (rng, pool) => {
    const [a, b] = [pick(rng, pool), pick(rng, pool)];
    try {
      tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    } catch {
      return undefined;
    }
    return fn(a, b);
  };

const reduction =
  (fn: (x: Tensor, axis: number, keep: boolean) => Tensor): Step =>
  (rng, pool) => {
    const x = pick(rng, pool);
    return x.rank === 0 ? undefined : fn(x, rng.integer(x.rank), rng.integer(2) === 0);
  };

const steps: readonly Step[] = [
  unary(tf.tanh),
  unary(tf.sigmoid),
  unary(tf.sin),
  unary((x) => tf.exp(tf.tanh(x))),
  unary((x) => tf.square(tf.tanh(x))),
  unary((x) => tf.div(1, tf.add(2, tf.sin(x)))),
  unary((x) => tf.mul(tf.neg(x), 0.5)),
  unary((x) => tf.relu(tf.sub(x, 0.01))),
  unary((x) => tf.mul(tf.step(x, 0.1), x)),
  unary((x) => (x.rank === 0 ? x : tf.softmax(x))),
  unary((x) => tf.reshape(x, [...x.shape].reverse())),
  unary((x) => tf.transpose(x)),
  unary((x) => tf.reshape(x, [x.size])),
  unary((x) => tf.expandDims(x, 0)),
  unary((x) => tf.clone(x)),
  binary(tf.add),
  binary(tf.sub),
  binary(tf.mul),
  binary((a, b) => tf.div(a, tf.add(2, tf.cos(b)))),
  reduction((x, axis, keep) => tf.sum(x, axis, keep)),
  reduction((x, axis, keep) => tf.mean(x, axis, keep)),
  reduction((x, axis, keep) => tf.max(x, axis, keep)),
  (rng, pool) => {
    const [a, b] = [pick(rng, pool), pick(rng, pool)];
    return a.rank === 2 && b.rank === 2 && a.shape[1] === b.shape[1] ? tf.matMul(a, b, false, true) : undefined;
  },
  (rng, pool) => {
    const [a, b] = [pick(rng, pool), pick(rng, pool)];
    return a.rank === 2 && b.rank === 2 && a.shape[0] === b.shape[0] ? tf.matMul(a, b, true, false) : undefined;
  },
  (rng, pool) => {
    const a = pick(rng, pool);
    return a.rank > 0 && a.size < 200 ? tf.concat([a, a], rng.integer(a.rank)) : undefined;
  },
  (rng, pool) => {
    const a = pick(rng, pool);
    if (a.rank === 0) return undefined;
    const begin = a.shape.map((size) => rng.integer(size));
    return tf.slice(
      a,
      begin,
      a.shape.map((size, axis) => 1 + rng.integer(size - begin[axis])),
    );
  },
  (rng, pool) => {
    const a = pick(rng, pool);
    return a.rank > 0 && sizeOf(a.shape) < 200
      ? tf.pad(
          a,
          a.shape.map(() => [rng.integer(2), rng.integer(2)]),
        )
      : undefined;
  },
  (rng, pool) => {
    const a = pick(rng, pool);
    return a.rank < 2 || a.size > 200
      ? undefined
      : tf.tile(
          a,
          a.shape.map(() => 1 + rng.integer(2)),
        );
  },
];

/** Inputs of which a random function makes something. */
export const randomInputs = (seed: number): readonly FloatTensor[] => {
  const rng = createRng(`inputs ${seed}`);
  return [uniform(rng, [5, 3]), uniform(rng, [7, 3]), uniform(rng, [3]), uniform(rng, [2, 5, 1])];
};

/** What nine random steps make of some tensors, the last five of it. */
export const randomFunction =
  (seed: number) =>
  (inputs: readonly Tensor[]): readonly Tensor[] => {
    const rng = createRng(seed);
    const pool = [...inputs];
    while (pool.length < inputs.length + 9) {
      const made = pick(rng, steps)(rng, pool);
      if (made !== undefined && made.size < 500) pool.push(made);
    }
    return pool.slice(-5);
  };
