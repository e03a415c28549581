import type { FloatTensor } from "@kdc-mae/core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import type { Placed } from "../run/runtime.js";
import { carefully, expectTools } from "./careful-step.js";
import { follow, withFollower } from "./follower.js";
import { atLossScale } from "./loss-scale.js";
import type { Optimizer } from "./optimizer.js";
import type { StepReport, TrainState, TrainStep, TrainStepOptions } from "./update.js";

/** A step whose state lies in ordinary memory, from its one way to make an update. */
export const stepOnHost = <Params, Batch, OptimizerState>(
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch>,
  {
    attempt,
    ...own
  }: Pick<TrainStep<Params, Batch, OptimizerState>, "withoutGradient" | "dispose" | "lossScale"> & {
    /** One update from its batches, the loss at this scale; it changes nothing when it throws. */
    readonly attempt: (
      state: TrainState<Params, OptimizerState>,
      batches: readonly (Hosted<Batch> | undefined)[],
      learningRate: number,
      scale: number,
    ) => Promise<StepReport>;
  },
): TrainStep<Params, Batch, OptimizerState> => {
  expectTools(optimizer, options);
  const { follower } = options;
  const accumulate: TrainStep<Params, Batch, OptimizerState>["accumulate"] = async (state, batches, learningRate) => {
    const seen = batches.map((batch) => batch && withFollower(batch, follower, follower?.tree));
    const report = await atLossScale(own.lossScale, (scale) => attempt(state, seen, learningRate, scale));
    if (follower !== undefined) follow(follower, asTree<FloatTensor>(state.params));
    return report;
  };
  return carefully<Params, Batch, OptimizerState>({
    ...{ ...own, accumulate },
    init: (params) => ({ params, optimizer: optimizer.init(params), step: 0 }),
    // Float32 is what parameters are; what a program takes says only that they are tensors.
    current: async (state) => ({ params: state.params as Placed<Params>, follower: follower?.tree }),
    collect: async () => undefined,
    changed: () => undefined,
  });
};
