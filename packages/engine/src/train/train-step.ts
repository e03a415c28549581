import type { HostTensor } from "@kdc-mae/core";
import type { Hosted } from "../run/program.js";
import { createRunner } from "../run/runner.js";
import type { Execute } from "../run/runtime.js";
import { createDeviceStep } from "./device-step.js";
import { type Gradients, type Loss, valueAndGradients } from "./gradient.js";
import type { Optimizer } from "./optimizer.js";
import { blend, expectBatches, type TrainStep, type TrainStepOptions, update } from "./update.js";

const scalar = (value: HostTensor): number => value.data[0];

/**
 * Joins a loss and an optimizer into training steps. The program is made at the first step, and again when a batch of
 * other shapes comes.
 *
 * @param execute how to run: `compiled(…)`, `eager(…)`, or a runtime's `execute`, which keeps the state on its device
 * @throws KdcError from a step whose loss or gradients are not finite (reason `loss-not-finite`), and from one that is
 * asked to stop on the way (`stopped`); nothing is updated
 */
export function createTrainStep<Params, Batch, OptimizerState>(
  execute: Execute,
  loss: Loss<Params, Batch>,
  optimizer: Optimizer<OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  if (execute.runtime !== undefined) return createDeviceStep(execute.runtime, loss, optimizer, options);
  const { clips = () => 1 } = options;
  let missing: readonly string[] = [];
  const programs = createRunner<{ readonly params: Params; readonly batch: Batch }, Gradients<Params>>(
    execute,
    valueAndGradients(loss, (paths) => {
      missing = paths;
    }),
  );

  const accumulate: TrainStep<Params, Batch, OptimizerState>["accumulate"] = async (state, batches, learningRate) => {
    expectBatches(batches);
    const weights = batches.map(clips);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const means = { total: 0, terms: {} as Record<string, number> };
    let sum: unknown;
    for (const [index, batch] of batches.entries()) {
      const weight = weights[index] / all;
      const result = await programs.run(
        state.params,
        { batch } as Hosted<{ readonly batch: Batch }>,
        index === 0 ? 0 : 1,
      );
      const { total, terms, gradients } = result as {
        total: HostTensor;
        terms: Record<string, HostTensor>;
        gradients: unknown;
      };
      means.total += scalar(total) * weight;
      for (const [name, term] of Object.entries(terms))
        means.terms[name] = (means.terms[name] ?? 0) + scalar(term) * weight;
      if (sum === undefined) {
        sum = gradients;
        if (weight !== 1) blend(gradients, gradients, 0, weight);
      } else blend(sum, gradients, 1, weight);
    }
    return update(state, optimizer, { gradients: sum, report: means }, { ...options, learningRate, missing });
  };

  return {
    init: (params) => ({ params, optimizer: optimizer.init(params), step: 0 }),
    step: (state, batch, learningRate) => accumulate(state, [batch], learningRate),
    accumulate,
    collect: async () => undefined,
    changed: () => undefined,
    withoutGradient: () => missing,
    dispose: programs.dispose,
  };
}
