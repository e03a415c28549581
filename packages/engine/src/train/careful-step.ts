import { type FloatTensor, KdcError, treeLeaves } from "@kdc-mae/core";
import { asTree, expectHosted } from "../run/program.js";
import type { TrainStep, TrainStepOptions } from "./update.js";

const refuse = (where: string, what: string, remedy: string, reason: string): KdcError =>
  new KdcError({ where, what, remedy, reason });

const names: readonly string[] = [
  "clipNorm",
  "signal",
  "clips",
  "peers",
  "exact",
  "follower",
] satisfies (keyof TrainStepOptions<unknown>)[];

/** @throws KdcError for an optimizer that was not made yet, an option nobody reads, and a length that gradients cannot be clipped to */
export function expectTools<Batch>(optimizer: { readonly init: unknown }, options: TrainStepOptions<Batch>): void {
  const where = "createTrainStep";
  if (typeof optimizer?.init !== "function") {
    throw refuse(where, "the optimizer is none", "Call it: adam(), adamW({ weightDecay: 0.01 })", "optimizer");
  }
  const odd = Object.keys(options).find((name) => !names.includes(name));
  if (odd !== undefined)
    throw refuse(where, `there is no option ${odd}`, `Its options are ${names.join(", ")}`, "option");
  const { clipNorm } = options;
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw refuse(where, `clipNorm is ${clipNorm}`, "Give a number above 0, or none for no clipping", "option");
  }
}

function expectRate(step: number, rate: unknown): void {
  if (typeof rate === "number" && Number.isFinite(rate) && rate >= 0) return;
  const given = typeof rate === "function" ? "a function" : (JSON.stringify(rate) ?? String(rate));
  const remedy =
    typeof rate === "function"
      ? "Give what the schedule says at this step: schedule(step)"
      : "Give every step its rate, a finite number of 0 or more: step(state, batch, 1e-3)";
  throw refuse(
    `train step ${step}`,
    `the learning rate is ${typeof rate === "number" ? rate : given}`,
    remedy,
    "option",
  );
}

/**
 * Steps that refuse, before anything is computed, what would end in weights that are not numbers or in updates that are lost: a rate
 * that is none, parameters that are no host tensors, and a step that is asked for while another is under way, as in a loop
 * without `await`: both would start from the same weights. Nothing is computed or read any more once they were disposed of: the
 * programs would be made anew, and what lay on a device is gone.
 */
export function carefully<Params, Batch, State>(
  steps: Omit<TrainStep<Params, Batch, State>, "step">,
): TrainStep<Params, Batch, State> {
  let busy = false;
  let isGone = false;
  const expectThere = (where: string): void => {
    if (!isGone) return;
    const remedy = "Call dispose after the last step and after collect, or make a new one with createTrainStep";
    throw refuse(where, "this training was disposed of", remedy, "gone");
  };
  const accumulate: TrainStep<Params, Batch, State>["accumulate"] = async (state, batches, rate) => {
    const step = state.step + 1;
    expectThere(`train step ${step}`);
    expectRate(step, rate);
    if (!Array.isArray(batches)) {
      throw refuse(
        `train step ${step}`,
        "accumulate was given no list",
        "Give a list of batches, or one to step",
        "batch",
      );
    }
    if (busy) {
      const remedy = "Wait for each step: await train.step(…)";
      throw refuse(`train step ${step}`, "another step of this training is still under way", remedy, "busy");
    }
    busy = true;
    try {
      return await steps.accumulate(state, batches, rate);
    } finally {
      busy = false;
    }
  };
  return {
    ...steps,
    init: (params) => {
      for (const [path, leaf] of treeLeaves(asTree<FloatTensor>(params))) expectHosted("train.init", path, leaf);
      return steps.init(params);
    },
    accumulate,
    current: async (state) => {
      expectThere("train.current");
      return steps.current(state);
    },
    collect: async (state) => {
      expectThere("train.collect");
      await steps.collect(state);
    },
    dispose: async () => {
      isGone = true;
      await steps.dispose();
    },
    step: (state, batch, rate) => accumulate(state, [batch], rate),
  };
}
