import type { HostTensor } from "@kdc-mae/core";
import type { Execute, Hosted } from "../run/program.js";
import { type Gradients, type Loss, valueAndGradients } from "./gradient.js";
import type { Optimizer } from "./optimizer.js";
import { programsByShape } from "./programs-by-shape.js";
import { blend, expectBatches, type StepReport, type TrainState, type UpdateSettings, update } from "./update.js";

export type TrainStepOptions<Batch> = UpdateSettings & {
  /** Clips in a batch, for the mean over accumulated batches; batches count alike unless given. */
  readonly clips?: (batch: Hosted<Batch>) => number;
};

export type TrainStep<Params, Batch, OptimizerState> = {
  readonly init: (params: Hosted<Params>) => TrainState<Params, OptimizerState>;
  /** One update from one batch; `state` changes in place. */
  readonly step: (
    state: TrainState<Params, OptimizerState>,
    batch: Hosted<Batch>,
    learningRate: number,
  ) => Promise<StepReport>;
  /** One update from the mean gradient over several batches. */
  readonly accumulate: (
    state: TrainState<Params, OptimizerState>,
    batches: readonly Hosted<Batch>[],
    learningRate: number,
  ) => Promise<StepReport>;
  /** Paths of the parameters the loss does not depend on, known after the first step. */
  readonly withoutGradient: () => readonly string[];
  readonly dispose: () => Promise<void>;
};

const scalar = (value: HostTensor): number => value.data[0];

/**
 * Joins a loss and an optimizer into training steps. The program is made at the first step, and again when a batch of
 * other shapes comes.
 *
 * @param execute how to run: `compiled(…)` or `eager(…)`
 * @throws KdcError from a step whose loss or gradients are not finite (reason `loss-not-finite`), and from one that is
 * asked to stop on the way (`stopped`); nothing is updated
 */
export function createTrainStep<Params, Batch, OptimizerState>(
  execute: Execute,
  loss: Loss<Params, Batch>,
  optimizer: Optimizer<OptimizerState>,
  options: TrainStepOptions<Batch> = {},
): TrainStep<Params, Batch, OptimizerState> {
  const { clips = () => 1 } = options;
  let missing: readonly string[] = [];
  const programs = programsByShape<Params, { readonly batch: Batch }, Gradients<Params>>(
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
    withoutGradient: () => missing,
    dispose: programs.dispose,
  };
}
