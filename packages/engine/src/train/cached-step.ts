import type { FloatTensor, HostTensor, Tree } from "@kdc-mae/core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import { createRunner } from "../run/runner.js";
import type { Execute, Placed } from "../run/runtime.js";
import { createDeviceCachedStep } from "./device-cached-step.js";
import { scalarOf } from "./device-step.js";
import { valueAndGradients } from "./gradient.js";
import { exactSum, floatSum } from "./gradient-sum.js";
import { partOfBatch, partsAcross, rebuild } from "./join-parts.js";
import { type Along, type LossInParts, projected, type WholeInMemory, wholeWithGradients } from "./loss-in-parts.js";
import { freshLossScale, unscale } from "./loss-scale.js";
import { createOnePass } from "./one-pass.js";
import type { Optimizer } from "./optimizer.js";
import { anyoneAsked, gatherRows, noPeers } from "./peers.js";
import { stepOnHost } from "./step-on-host.js";
import { expectGoing, sharesOf, type TrainStep, type TrainStepOptions, update } from "./update.js";

/**
 * Training steps whose loss sees all accumulated batches at once while only one batch is differentiated at a time
 * (GradCache: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021). Each batch
 * is run forward, the parts are joined, the loss of the whole is differentiated to them, and each batch is run again
 * with that gradient. Exact; costs one forward run more than `createTrainStep`, and the memory of the parts. A process
 * that has one batch to an update keeps what its forward run computed, where programs can be made in two halves, and
 * runs it once; but not with `exact`: the bits of halves are not those of the whole.
 *
 * @throws KdcError as `createTrainStep`, and when the parts of two batches do not fit together
 */
export function createCachedStep<Params, Batch, Parts, OptimizerState>(
  execute: Execute,
  loss: LossInParts<Params, Batch, Parts>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clips, peers = noPeers, signal } = options;
  // What is added up between processes, or exactly, is so in ordinary memory.
  if (execute.runtime !== undefined && optimizer.traced !== undefined && peers.size === 1 && !options.exact) {
    return createDeviceCachedStep(execute.runtime, loss, optimizer, options);
  }
  const { part, whole } = loss;
  const lossScale = execute.precision === "mixed" ? freshLossScale() : undefined;
  const sum = options.exact ? exactSum(peers) : floatSum(peers);
  const join = partsAcross(peers);
  let missing: readonly string[] = [];
  const apart = execute.apart ?? execute;
  const forward = createRunner(apart, ({ params, batch }: { params: Params; batch: Batch }) => part(params, batch));
  const middle = createRunner(apart, wholeWithGradients<Params, Parts>(whole));
  const direct = new Set<string>();
  const gradient = valueAndGradients(projected<Params, Batch, Parts>(part), (paths) => {
    missing = paths;
  });
  const backward = createRunner(apart, ({ params, batch, along }: { params: Params; batch: Batch; along: Along }) =>
    gradient({ params, batch: { batch, along } }),
  );

  const onePass = options.exact || apart.inTwo === undefined ? undefined : createOnePass(apart.inTwo, loss, gradient);

  type Attempt = Parameters<typeof stepOnHost<Params, Batch, OptimizerState>>[2]["attempt"];
  const attempt: Attempt = async (state, batches, learningRate, scale) => {
    const { own, shares } = sharesOf<Batch>(batches, clips);
    // Float32 is what parameters and gradients are; a program's type says only that they are tensors.
    const params = state.params as Placed<Params>;
    const made: Tree<HostTensor>[] = [];
    // Between two batches it can be given up; several processes go on together.
    const expectOn = () => peers.size > 1 || expectGoing(signal, state.step + 1);
    const once = own.length === 1 ? onePass : undefined;
    for (const [slot, { batch }] of own.entries()) {
      expectOn();
      made.push(
        once === undefined
          ? asTree(await forward.run(params, { batch } as Hosted<{ batch: Batch }>, slot))
          : await once.forward({ params: state.params as Hosted<Params>, batch }, batches.length),
      );
    }
    const joined = await join(made, shares);
    const scaling = lossScale === undefined ? {} : { scale: scalarOf(scale) };
    const parts = { parts: rebuild(made[0], joined), ...scaling } as Hosted<{ parts: Parts }>;
    const { toParams, toParts, ...joint } = (await middle.run(params, parts, 0)) as WholeInMemory;
    const { total, terms } = unscale<HostTensor>(joint.total, joint.terms);
    const gradients = await sum(
      own.map(({ batch, share, index }) => ({
        weight: 1,
        make: async (slot) => {
          expectOn();
          const along = partOfBatch(toParts, joined, index, share);
          if (once !== undefined) return once.backward(along);
          const given = { batch, along } as Hosted<{ batch: Batch; along: Along }>;
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
      { ...options, signal: asked, learningRate, missing, lossScale: scale },
    );
  };

  const dispose = async () => {
    for (const program of [forward, middle, backward, onePass]) await program?.dispose();
  };
  return stepOnHost<Params, Batch, OptimizerState>(optimizer, options, {
    ...{ attempt, withoutGradient: () => missing, dispose, lossScale },
  });
}
