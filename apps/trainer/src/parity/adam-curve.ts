import { adam, createTrainStep, type Execute, type Hosted } from "@kdc-mae/engine";
import { objective } from "@kdc-mae/losses";
import { loadModel, officialTensors } from "@kdc-mae/model";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type PretrainBatch, type PretrainParams, pretrainLoss } from "../pretrain/loss.js";
import { planCase } from "./case-plan.js";
import type { ReferenceFolder } from "./reference-folder.js";
import { referencePatches, referenceViews } from "./reference-inputs.js";
import { type Errors, limits, relativeError, worst } from "./relative-error.js";

/** Relative errors of some Adam steps: of the loss at each, and of each weight after them. */
export type AdamErrors = { readonly curve: Errors; readonly weights: Errors; readonly pass: boolean };

const recipe = { rate: 1e-3, betas: [0.95, 0.999], weightDecay: 5e-7 } as const;

/** Trains the published objective for as many steps as the folder did, with Adam as it did. */
export async function measureAdam(execute: Execute, folder: ReferenceFolder): Promise<AdamErrors> {
  const { config, index } = folder;
  const steps = index.adam_curve.length;
  const inputs = await folder.tensors("inputs");
  const reference = index.cases.complementary ?? { flags: {} };
  const plan = planCase(
    "complementary",
    reference,
    folder.has("complementary") ? await folder.tensors("complementary") : {},
  );
  const { params } = loadModel(config, await folder.tensors("weights"));
  const train = createTrainStep<PretrainParams<Tensor>, PretrainBatch, unknown>(
    execute,
    pretrainLoss(config, objective(plan.entries), plan.compat),
    adam({ betas: recipe.betas, weightDecay: recipe.weightDecay }) as never,
  );
  const state = train.init({ model: params, weighting: {} } as never);
  const batch = {
    patches: referencePatches(inputs, config),
    views: referenceViews(inputs, config, index.config.maskRatio, plan),
  } as unknown as Hosted<PretrainBatch>;
  const curve: Record<string, number> = {};
  for (const [step, expected] of index.adam_curve.entries()) {
    const { total } = await train.step(state, batch, recipe.rate);
    curve[`step${step + 1}`] = relativeError([total], [expected]);
  }
  await train.dispose();
  const after = await folder.tensors(`weights_after_adam${steps}`);
  const weights = Object.fromEntries(
    Object.entries(officialTensors(config, params)).map(([name, { data }]) => [
      name,
      relativeError(data, after[name]?.data ?? []),
    ]),
  );
  return { curve, weights, pass: worst(curve) <= limits.values && worst(weights) <= limits.values };
}
