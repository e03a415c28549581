import type { FloatTensor } from "@kdc-mae/core";
import { adam, createTrainStep, type Execute } from "@kdc-mae/engine";
import { objective } from "@kdc-mae/losses";
import { loadModel, officialTensors } from "@kdc-mae/model";
import { pretrainLoss } from "../pipeline/pretrain/loss.js";
import { planCase } from "./case-plan.js";
import type { ReferenceFolder, Tensors } from "./reference-folder.js";
import { referencePatches, referenceViews } from "./reference-inputs.js";
import { type Errors, limits, norm, type PartErrors, relativeError, worst } from "./relative-error.js";

const recipe = { rate: 1e-3, betas: [0.95, 0.999], weightDecay: 5e-7 } as const;

/**
 * What Adam can make reproducible of a weight. A key's bias adds the same to all scores of a query, which softmax takes
 * away: its gradient is 0 but for rounding, and Adam scales that rounding up to whole steps. So the key third of a
 * `qkv.bias` is left out.
 */
function reproducible(name: string, data: Float32Array): Float32Array {
  if (!name.endsWith(".qkv.bias")) return data;
  const third = data.length / 3;
  return Float32Array.from([...data.subarray(0, third), ...data.subarray(2 * third)]);
}

/** Errors of the weights: over all as one vector, and of each. */
function weightErrors(ours: Readonly<Record<string, FloatTensor>>, after: Tensors): { all: number; each: Errors } {
  const each: Record<string, number> = {};
  let [apart, size] = [0, 0];
  for (const [name, { data }] of Object.entries(ours)) {
    const expected = reproducible(name, (after[name]?.data ?? new Float32Array()) as Float32Array);
    each[name] = relativeError(reproducible(name, data), expected);
    apart += (each[name] * norm(expected)) ** 2;
    size += norm(expected) ** 2;
  }
  return { all: Math.sqrt(apart / size), each };
}

/**
 * Trains the published objective for as many steps as the folder did, with Adam as it did: compares the loss at each
 * step and the weights after them, all as one vector (1e-4) and each (1e-3).
 */
export async function measureAdam(execute: Execute, folder: ReferenceFolder): Promise<PartErrors> {
  const { config, index } = folder;
  const steps = index.adam_curve.length;
  const inputs = await folder.tensors("inputs");
  const reference = index.cases.complementary ?? { flags: {} };
  const tensors = "complementary" in index.cases ? await folder.tensors("complementary") : {};
  const plan = planCase("complementary", reference, tensors);
  const { params } = loadModel(config, await folder.tensors("weights"));
  const train = createTrainStep(
    execute,
    pretrainLoss(config, objective(plan.entries), { compat: plan.compat }),
    adam({ betas: recipe.betas, weightDecay: recipe.weightDecay }),
  );
  const state = train.init({ model: params, weighting: {} });
  const batch = {
    patches: referencePatches(inputs, config),
    views: referenceViews(inputs, config, index.config.maskRatio, plan),
  };
  const curve: Record<string, number> = {};
  for (const [step, expected] of index.adam_curve.entries()) {
    const { total } = await train.step(state, batch, recipe.rate);
    curve[`loss at step ${step + 1}`] = relativeError([total], [expected]);
  }
  await train.collect(state);
  await train.dispose();
  const after = await folder.tensors(`weights_after_adam${steps}`);
  // torch leaves a parameter without gradient alone, weight decay included; such are not compared.
  const trained = Object.entries(officialTensors(config, params)).filter(
    ([name]) => !("complementary" in index.cases) || `grad.${name}` in tensors,
  );
  const { all, each } = weightErrors(Object.fromEntries(trained), after);
  const errors = { ...curve, "all weights": all };
  return {
    worst: worst(errors),
    errors: { ...errors, ...each },
    pass: worst(errors) <= limits.values && worst(each) <= limits.gradients,
  };
}
