import { createRng, type FloatTensor, float32, type LossReport, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { compiled } from "../onnxruntime/compile.js";
import { uniform } from "../parity.test.support.js";
import type { HostedParams } from "../run/program.js";
import { type AdamState, adam } from "./adam.js";
import { createCachedStep } from "./cached-step.js";
import { exactSum, floatSum } from "./gradient-sum.js";
import type { LossInParts } from "./loss-in-parts.js";
import { noPeers, type Peers } from "./peers.js";
import { peersInMemory } from "./peers.test.support.js";
import { createTrainStep } from "./train-step.js";
import type { StepReport, TrainStep } from "./update.js";

type Params = { a: tf.Tensor2D; v: tf.Tensor2D; scale: tf.Scalar; idle: tf.Tensor1D };
type Batch = { x: tf.Tensor2D; y: tf.Tensor2D };
type Parts = { a: tf.Tensor2D; v: tf.Tensor2D; fit: tf.Scalar };

/** A contrast of all clips with all, a mean over clips, and a weight that is trained and seen by the whole alone. */
const parts: LossInParts<Params, Batch, Parts> = {
  part: ({ a, v }, { x, y }) => {
    const [left, right] = [tf.tanh(tf.matMul(x, a)) as tf.Tensor2D, tf.tanh(tf.matMul(y, v)) as tf.Tensor2D];
    return { a: left, v: right, fit: tf.mean(tf.square(tf.sub(left, right))) as tf.Scalar };
  },
  whole: ({ scale }, { a, v, fit }): LossReport => {
    const scores = tf.mul(tf.matMul(a, v, false, true), 5);
    const contrast = tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(scores), tf.eye(a.shape[0])), 1))) as tf.Scalar;
    return { total: tf.add(tf.mul(tf.exp(scale), contrast), fit), terms: { contrast, fit } };
  },
};
const alone = (params: Params, batch: Batch): LossReport => {
  const { fit } = parts.part(params, batch);
  return { total: tf.mul(fit, tf.exp(params.scale)) as tf.Scalar, terms: { fit } };
};

const start = () => {
  const rng = createRng(5);
  return {
    ...{ a: uniform(rng, [5, 7]), v: uniform(rng, [3, 7]), scale: float32([], Float32Array.of(0.3)) },
    idle: uniform(rng, [2]),
  };
};
const rng = createRng(6);
const batches = Array.from({ length: 6 }, () => ({ x: uniform(rng, [2, 5]), y: uniform(rng, [2, 3]) }));
const execute = compiled({ threads: 1 });

type Stepper = TrainStep<Params, Batch, AdamState<HostedParams<Params>>>;
const kinds: Readonly<Record<string, (peers: Peers, exact: boolean) => Stepper>> = {
  createTrainStep: (peers, exact) => createTrainStep(execute, alone, adam(), { peers, exact, clipNorm: 0.5 }),
  createCachedStep: (peers, exact) => createCachedStep(execute, parts, adam(), { peers, exact, clipNorm: 0.5 }),
};

/** Three steps of so many processes, the batches dealt out in stretches; what each ended with, all bits of it. */
async function run(make: (typeof kinds)[string], size: number, exact: boolean) {
  const ended = await Promise.all(
    (size === 1 ? [noPeers] : peersInMemory(size)).map(async (peers) => {
      const step = make(peers, exact);
      const state = step.init(start());
      const reports: StepReport[] = [];
      const own = batches.map((batch, at) =>
        Math.floor((at * size) / batches.length) === peers.rank ? batch : undefined,
      );
      for (let times = 0; times < 3; times++) reports.push(await step.accumulate(state, own, 0.1));
      await step.dispose();
      return { reports, params: treeLeaves<FloatTensor>(state.params).map(([path, { data }]) => [path, [...data]]) };
    }),
  );
  for (const other of ended) expect(other).toEqual(ended[0]);
  return ended[0];
}

describe.each(Object.entries(kinds))("%s with peers", (_, make) => {
  it("exact: the same bits for 1, 2, 3, 4 and 6 processes, and a float32 sum's to rounding", async () => {
    const one = await run(make, 1, true);
    for (const size of [2, 3, 4, 6]) expect(await run(make, size, true), `${size}`).toEqual(one);
    const rounded = await run(make, 1, false);
    for (const [step, { total, gradientNorm }] of rounded.reports.entries()) {
      expect(one.reports[step].total).toBeCloseTo(total, 5);
      expect(one.reports[step].gradientNorm).toBeCloseTo(gradientNorm, 5);
    }
    expect(one.params).not.toEqual(treeLeaves<FloatTensor>(start()).map(([path, { data }]) => [path, [...data]]));
  });

  it("otherwise: within 2e-6 of one process", async () => {
    const one = await run(make, 1, false);
    // With six, each has one batch, and runs it forward once.
    for (const size of [2, 3, 4, 6]) {
      const many = await run(make, size, false);
      for (const [step, { total }] of one.reports.entries()) {
        expect(Math.abs(many.reports[step].total / total - 1)).toBeLessThan(2e-6);
      }
    }
  });

  it("stops all where one is asked to, and none has changed anything", async () => {
    const asked = AbortSignal.abort();
    const states = await Promise.all(
      peersInMemory(2).map(async (peers) => {
        const signal = peers.rank === 1 ? asked : undefined;
        const step = createTrainStep(execute, alone, adam(), { peers, signal });
        const state = step.init(start());
        const own = batches.map((batch, at) => (at % 2 === peers.rank ? batch : undefined));
        await expect(step.accumulate(state, own, 0.1)).rejects.toMatchObject({ reason: "stopped" });
        await step.dispose();
        return state.params.a.data;
      }),
    );
    for (const data of states) expect([...data]).toEqual([...start().a.data]);
  });
});

describe("floatSum", () => {
  it("adds up arrays that travel packed, as they lie, and in pieces", async () => {
    const lengths = [3, 2 ** 18 - 1, 2 ** 18, 5, 2 ** 22 + 7];
    const made = (rank: number) =>
      lengths.map((length, leaf) =>
        float32(
          [length],
          new Float32Array(length).map((_, at) => (rank + 1) * (at % 1000) + leaf),
        ),
      );
    const sums = await Promise.all(
      peersInMemory(2).map((peers) => floatSum(peers)([{ weight: 1, make: async () => made(peers.rank) }])),
    );
    for (const sum of sums as FloatTensor[][]) {
      for (const [leaf, { data }] of sum.entries()) {
        expect(data.length).toBe(lengths[leaf]);
        expect(data.every((value, at) => value === 3 * (at % 1000) + 2 * leaf)).toBe(true);
      }
    }
  });
});

describe("exactSum", () => {
  const trees = (values: readonly (readonly number[])[]) =>
    values.map((row) => ({ weight: 1, make: async () => ({ w: float32([row.length], Float32Array.from(row)) }) }));
  const summed = async (values: readonly (readonly number[])[], sum = exactSum()) => [
    ...((await sum(trees(values))) as { w: FloatTensor }).w.data,
  ];

  it("forgets nothing on the way, in any order, where float32 does", async () => {
    const rows = [
      [1e5, 3],
      [2 ** -12, 4],
      [-1e5, 5],
    ];
    expect(await summed(rows)).toEqual([2 ** -12, 12]);
    expect(await summed([rows[2], rows[0], rows[1]])).toEqual([2 ** -12, 12]);
    expect(await summed(rows, floatSum())).not.toEqual([2 ** -12, 12]);
  });

  it("keeps fewer digits where numbers are large, begins anew each time, and says where there is no sum", async () => {
    const sum = exactSum();
    expect(
      await summed(
        [
          [2 ** 40, 1],
          [2 ** 40, 2 ** -30],
        ],
        sum,
      ),
    ).toEqual([2 ** 41, 1]);
    expect(
      await summed(
        [
          [1, 2 ** -44],
          [1, 2 ** -44],
        ],
        sum,
      ),
    ).toEqual([2, 2 ** -43]);
    expect(
      await summed(
        [
          [1, Number.NaN],
          [1, 1],
        ],
        sum,
      ),
    ).toEqual([Number.NaN, Number.NaN]);
    expect(
      await summed(
        [
          [1, 1],
          [Number.NEGATIVE_INFINITY, 1],
        ],
        sum,
      ),
    ).toEqual([Number.NaN, Number.NaN]);
    await expect(summed([[2 ** 62], [1]], sum)).rejects.toMatchObject({ reason: "loss-not-finite" });
  });

  it("adds up more numbers than are worked on at a time", async () => {
    const length = 20_011;
    const row = Array.from({ length }, (_, index) => index);
    expect(await summed([row, row, row])).toEqual(row.map((value) => 3 * value));
  });
});
