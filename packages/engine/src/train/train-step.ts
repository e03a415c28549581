import type { FloatTensor, HostTensor, LossReport } from "@kdc-mae/core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import { createRunner } from "../run/runner.js";
import type { Execute, Placed } from "../run/runtime.js";
import { createDeviceStep, scalarOf } from "./device-step.js";
import { type Gradients, type Loss, valueAndGradients } from "./gradient.js";
import { exactSum, floatSum } from "./gradient-sum.js";
import { freshLossScale, scaledLoss, unscale } from "./loss-scale.js";
import type { Optimizer } from "./optimizer.js";
import { anyoneAsked, gatherRows, noPeers } from "./peers.js";
import { stepOnHost } from "./step-on-host.js";
import { expectGoing, sharesOf, type TrainStep, type TrainStepOptions, update } from "./update.js";

const scalar = (value: HostTensor): number => value.data[0];

/**
 * Joins a loss and an optimizer into training steps. The program is made at the first step, and again when a batch of
 * other shapes comes.
 *
 * @param execute how to run: `compiled(…)`; or `eager(…)` or a runtime's `execute`, which keep the state where they
 * compute, if the optimizer has a traced update: `collect` then brings the state's arrays up to date
 * @throws KdcError from a step whose loss or gradients are not finite (reason `loss-not-finite`), and from one that is
 * asked to stop on the way (`stopped`); nothing is updated
 *
 * @example
 * ```ts
 * import { float32 } from "@kdc-mae/core";
 * import { adam, createTrainStep } from "@kdc-mae/engine";
 * import { compiled } from "@kdc-mae/engine/node";
 * import { mean, type Scalar, sub, square, type Tensor1D } from "@tensorflow/tfjs-core";
 *
 * const loss = ({ w }: { w: Tensor1D }, { x }: { x: Tensor1D }) => {
 *   const total = mean(square(sub(w, x))) as Scalar;
 *   return { total, terms: { total } };
 * };
 * const train = createTrainStep(compiled(), loss, adam());
 * const state = train.init({ w: float32([3]) });
 * const { total } = await train.step(state, { x: float32([3]) }, 1e-2);
 * ```
 */
export function createTrainStep<Params, Batch, OptimizerState>(
  execute: Execute,
  loss: Loss<Params, Batch>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clips, peers = noPeers, signal, exact = false } = options;
  // What is added up between processes, or exactly, is so in ordinary memory.
  if (execute.runtime !== undefined && optimizer.traced !== undefined && peers.size === 1 && !exact) {
    return createDeviceStep(execute.runtime, loss, optimizer, options);
  }
  const sum = exact ? exactSum(peers) : floatSum(peers);
  let missing: readonly string[] = [];
  const lossScale = execute.precision === "mixed" ? freshLossScale() : undefined;
  const noteMissing = (paths: readonly string[]) => {
    missing = paths;
  };
  type Given = { readonly params: Params; readonly batch: unknown };
  const programs = createRunner<Given, Gradients<Params>>(
    execute.apart ?? execute,
    (lossScale === undefined
      ? valueAndGradients(loss, noteMissing)
      : valueAndGradients(scaledLoss(loss), noteMissing)) as (inputs: Given) => Gradients<Params>,
  );

  type Attempt = Parameters<typeof stepOnHost<Params, Batch, OptimizerState>>[2]["attempt"];
  const attempt: Attempt = async (state, batches, learningRate, scale) => {
    const { own, shares } = sharesOf<Batch>(batches, clips);
    let names: readonly string[] = [];
    const rows: number[][] = own.map(() => []);
    const gradients = await sum(
      own.map(({ batch, share }, at) => ({
        weight: share,
        make: async (slot) => {
          // The processor is not asked while it computes a batch; between two it is. Several processes go on together.
          if (peers.size === 1) expectGoing(signal, state.step + 1);
          const given = { batch: lossScale === undefined ? batch : { batch, scale: scalarOf(scale) } };
          // Float32 is what parameters and gradients are; a program's type says only that they are tensors.
          const result = await programs.run(state.params as Placed<Params>, given as Hosted<{ batch: unknown }>, slot);
          const scaled = result as Hosted<LossReport>;
          const { total, terms } = unscale<HostTensor>(scaled.total, scaled.terms);
          names = Object.keys(terms);
          rows[at] = [total, ...Object.values(terms)].map(scalar);
          return asTree<FloatTensor>(result.gradients);
        },
      })),
    );
    // In the order of the batches, whoever had them.
    const [total = 0, ...terms] = (await gatherRows(peers, rows)).reduce<number[]>(
      (means, row, index) => row.map((value, column) => (means[column] ?? 0) + value * shares[index]),
      [],
    );
    const report = { total, terms: Object.fromEntries(names.map((name, index) => [name, terms[index]])) };
    const asked = { aborted: await anyoneAsked(peers, signal) };
    return update(
      state,
      optimizer,
      { gradients: gradients as HostedParams<Params>, report },
      { ...options, signal: asked, learningRate, missing, lossScale: scale },
    );
  };

  return stepOnHost<Params, Batch, OptimizerState>(optimizer, options, {
    ...{ attempt, withoutGradient: () => missing, dispose: programs.dispose, lossScale },
  });
}
