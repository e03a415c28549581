import { type FloatTensor, type HostTensor, type LossReport, type Tree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import { createRunner } from "../run/runner.js";
import type { Execute } from "../run/runtime.js";
import { valueAndGradients } from "./gradient.js";
import { exactSum, floatSum } from "./gradient-sum.js";
import { gatherParts, joinParts, partOfBatch, rebuild } from "./join-parts.js";
import type { Optimizer } from "./optimizer.js";
import { anyoneAsked, gatherRows, noPeers } from "./peers.js";
import { expectGoing, sharesOf, stepOnHost, type TrainStep, type TrainStepOptions, update } from "./update.js";

/**
 * A loss that can be computed of several batches as if they were one. `part` must give the same each time it sees the
 * same parameters and batch: what is random comes in with the batch.
 */
export type LossInParts<Params, Batch, Parts> = {
  /** What a batch adds: tensors with clips first, to be put one after another, and scalars that are means over clips. */
  readonly part: (params: Params, batch: Batch) => Parts;
  /** The loss of all clips, from the parts joined: for one batch the loss as it would be computed at once. */
  readonly whole: (params: Params, parts: Parts) => LossReport;
};

/** Tensors by their path in a tree. */
type Named = { readonly [path: string]: tf.Tensor };

/** The loss of the whole with its gradients, by path, where there are any. */
const wholeWithGradients =
  <Params, Parts>(whole: LossInParts<Params, unknown, Parts>["whole"]) =>
  ({ params, parts }: { readonly params: Params; readonly parts: Parts }) => {
    const sides = [treeLeaves(asTree<tf.Tensor>(params)), treeLeaves(asTree<tf.Tensor>(parts))].map((leaves) =>
      leaves.filter(([, leaf]) => leaf.dtype === "float32"),
    );
    const given = sides.flat().map(([, leaf]) => leaf);
    let terms: [string, tf.Scalar][] = [];
    const { value, grads } = tf.engine().gradients(
      () => {
        const report = whole(params, parts);
        terms = Object.entries(report.terms).map(([name, term]) => [name, tf.keep(tf.clone(term))]);
        return report.total;
      },
      given,
      undefined,
      true,
    );
    const released = terms.map(([name, term]) => {
      const copy = tf.clone(term);
      term.dispose();
      return [name, copy] as const;
    });
    const present = (from: number, leaves: (typeof sides)[number]): Named =>
      Object.fromEntries(
        leaves.flatMap(([path], index) => (grads[from + index] ? [[path, grads[from + index] as tf.Tensor]] : [])),
      );
    return {
      total: value as tf.Scalar,
      terms: Object.fromEntries(released) as Record<string, tf.Scalar>,
      toParams: present(0, sides[0]),
      toParts: present(sides[0].length, sides[1]),
    };
  };

/** What {@link wholeWithGradients} gives, in ordinary memory: gradients are float32. */
type WholeInMemory = Hosted<LossReport> & {
  readonly toParams: Readonly<Record<string, FloatTensor>>;
  readonly toParts: Readonly<Record<string, FloatTensor>>;
};

/** Σ ⟨part, gradient of the whole to it⟩: its gradient to the parameters is what this batch adds to the whole's. */
const projected =
  <Params, Batch, Parts>(part: LossInParts<Params, Batch, Parts>["part"]) =>
  (params: Params, { batch, along }: { readonly batch: Batch; readonly along: Named }): LossReport => {
    const leaves = new Map(treeLeaves(asTree<tf.Tensor>(part(params, batch))));
    const products = Object.entries(along).map(([path, direction]) => tf.sum(tf.mul(leaves.get(path)!, direction)));
    const total = products.reduce((sum, next) => tf.add(sum, next), tf.scalar(0)) as tf.Scalar;
    return { total, terms: {} };
  };

/**
 * Training steps whose loss sees all accumulated batches at once while only one batch is differentiated at a time
 * (GradCache: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021). Each batch
 * is run forward, the parts are joined, the loss of the whole is differentiated to them, and each batch is run again
 * with that gradient. Exact; costs one forward run more than `createTrainStep`, and the memory of the parts.
 *
 * @throws KdcError as `createTrainStep`, and when the parts of two batches do not fit together
 */
export function createCachedStep<Params, Batch, Parts, OptimizerState>(
  execute: Execute,
  { part, whole }: LossInParts<Params, Batch, Parts>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clips, peers = noPeers, signal } = options;
  const sum = options.exact ? exactSum(peers) : floatSum(peers);
  let missing: readonly string[] = [];
  const forward = createRunner(execute, ({ params, batch }: { params: Params; batch: Batch }) => part(params, batch));
  const middle = createRunner(execute, wholeWithGradients<Params, Parts>(whole));
  const direct = new Set<string>();
  const gradient = valueAndGradients(projected<Params, Batch, Parts>(part), (paths) => {
    missing = paths;
  });
  const backward = createRunner(execute, ({ params, batch, along }: { params: Params; batch: Batch; along: Named }) =>
    gradient({ params, batch: { batch, along } }),
  );

  const accumulate: TrainStep<Params, Batch, OptimizerState>["accumulate"] = async (state, batches, learningRate) => {
    const { own, shares } = sharesOf<Batch>(batches, clips);
    // Float32 is what parameters and gradients are; a program's type says only that they are tensors.
    const params = state.params as Hosted<Params>;
    const made: Tree<HostTensor>[] = [];
    // Between two batches it can be given up; several processes go on together.
    const expectOn = () => peers.size > 1 || expectGoing(signal, state.step + 1);
    for (const [slot, { batch }] of own.entries()) {
      expectOn();
      made.push(asTree(await forward.run(params, { batch } as Hosted<{ batch: Batch }>, slot)));
    }
    const joined = joinParts(await gatherParts(peers, made), shares);
    const parts = { parts: rebuild(made[0], joined) } as Hosted<{ parts: Parts }>;
    const { total, terms, toParams, toParts } = (await middle.run(params, parts, 0)) as WholeInMemory;
    const gradients = await sum(
      own.map(({ batch, share, index }) => ({
        weight: 1,
        make: async (slot) => {
          expectOn();
          const along = partOfBatch(toParts, joined, index, share);
          const given = { batch, along } as Hosted<{ batch: Batch; along: Named }>;
          return asTree<FloatTensor>((await backward.run(params, given, slot)).gradients);
        },
      })),
      toParams,
    );
    for (const path of Object.keys(toParams)) direct.add(path);
    const names = Object.keys(terms);
    // All computed the same; where their processors differ, what the first says counts.
    const [[whole, ...values]] = await gatherRows(peers, [
      [total.data[0], ...names.map((name) => terms[name].data[0])],
    ]);
    const report = { total: whole, terms: Object.fromEntries(names.map((name, index) => [name, values[index]])) };
    const asked = { aborted: await anyoneAsked(peers, signal) };
    missing = missing.filter((path) => !direct.has(path));
    return update(
      state,
      optimizer,
      { gradients: gradients as HostedParams<Params>, report },
      { ...options, signal: asked, learningRate, missing },
    );
  };

  const dispose = async () => {
    for (const program of [forward, middle, backward]) await program.dispose();
  };
  return stepOnHost(optimizer, { accumulate, withoutGradient: () => missing, dispose });
}
