import {
  type FloatTensor,
  type HostTensor,
  type HostView,
  type Modality,
  type Patches,
  treeLeaves,
  type View,
} from "@kdc-mae/core";
import { type Execute, type Hosted, valueAndGradients } from "@kdc-mae/engine";
import {
  type ContrastiveOptions,
  contrastive,
  contrastiveAccuracy,
  distillationPerClip,
  normalizePatches,
  objective,
  reconstructionPerClip,
} from "@kdc-mae/losses";
import { loadModel, type ModelConfig, type ModelParams, officialTensors, pretrainForward } from "@kdc-mae/model";
import { add, mean, mul, type Tensor } from "@tensorflow/tfjs-core";
import { type PretrainParams, pretrainLoss } from "../pipeline/pretrain/loss.js";
import { type CasePlan, planCase, trainsStreams } from "./case-plan.js";
import type { ReferenceCase, ReferenceFolder, Tensors } from "./reference-folder.js";
import { referencePatches, referenceViews } from "./reference-inputs.js";
import { type Errors, limits, norm, relativeError, worst } from "./relative-error.js";

/** Relative errors of one case under one execution. */
export type CaseErrors = {
  readonly loss: number;
  /** The loss's named parts, by view. */
  readonly parts: Errors;
  /** Tokens, predictions and masks, by view. */
  readonly outputs: Errors;
  readonly gradients: Errors;
  readonly pass: boolean;
};

type Inputs = { readonly params: PretrainParams<Tensor>; readonly batch: { patches: Patches; views: readonly View[] } };

/** Everything a case compares, as one tfjs function. */
const caseFunction =
  (config: ModelConfig, plan: CasePlan) =>
  ({ params, batch }: Inputs) => {
    const loss = pretrainLoss(config, objective(plan.entries), { compat: plan.compat });
    const evidence = pretrainForward(config, params.model, batch.patches, batch.views, { compat: plan.compat });
    const target = (modality: Modality) =>
      plan.reconstruction?.normPixels ? normalizePatches(batch.patches[modality]) : batch.patches[modality];
    const views = evidence.views.map((view) => {
      const { encoded, reconstruction } = view;
      const audio = mean(reconstructionPerClip("audio", view, target("audio")));
      const visual = mean(reconstructionPerClip("visual", view, target("visual")));
      return {
        outputs: { ...encoded, pred_audio: reconstruction.audio, pred_visual: reconstruction.visual },
        parts: {
          mae: add(audio, visual),
          mae_audio: audio,
          mae_visual: visual,
          weighted_contrastive: mul(
            contrastive.compute({ ...evidence, views: [view] }, optionsOf(plan, "contrastive")),
            weightOf(plan, "contrastive"),
          ),
          contrastive_accuracy: contrastiveAccuracy(
            encoded.globalAudio ?? encoded.audio,
            encoded.globalVisual ?? encoded.visual,
          ),
        },
      };
    });
    const distillation =
      plan.views > 1
        ? { value: mul(distillationPerClip(evidence, plan.distillation), weightOf(plan, "view-distillation")) }
        : {};
    return { ...valueAndGradients(loss)({ params, batch }), views, distillation };
  };

const weightOf = ({ entries }: CasePlan, term: string): number =>
  entries.find((entry) => entry.term === term)?.weight ?? 0;

const optionsOf = ({ entries }: CasePlan, term: "contrastive"): ContrastiveOptions | undefined =>
  entries.find((entry) => entry.term === term)?.options as ContrastiveOptions | undefined;

/** 1 where a view hides a patch: `[B, N]`. */
function maskOf({ visible, hidden }: HostView["audio"]): Float32Array {
  const [B, H] = hidden.shape;
  const N = H + visible.shape[1];
  const mask = new Float32Array(B * N);
  for (let b = 0; b < B; b++) for (const at of hidden.data.subarray(b * H, (b + 1) * H)) mask[b * N + at] = 1;
  return mask;
}

const value = (leaf: HostTensor): ArrayLike<number> => leaf.data;

/** A part smaller than this share of the loss, and a gradient smaller than this share of all, is measured against it. */
const smallPart = 1e-4;
const smallGradient = 1e-6;

function gradientErrors(ours: Tensors, tensors: Tensors): Errors {
  const named = Object.entries(tensors)
    .filter(([key]) => key.startsWith("grad."))
    .map(([key, tensor]) => [key.slice("grad.".length), tensor.data] as const);
  const floor = smallGradient * norm(named.map(([, data]) => norm(data)));
  const nothing = new Float32Array();
  return Object.fromEntries(
    named
      // Weights no forward pass reads are not loaded here, and have no gradient there.
      .filter(([name, data]) => name in ours || data.some((gradient) => gradient !== 0))
      .map(([name, data]) => [name, relativeError(ours[name]?.data ?? nothing, data, floor)]),
  );
}

/** Tensors that tell how the folder's streams were run: the case's own if its loss looks at them. */
async function witness(folder: ReferenceFolder, tensors: Tensors): Promise<Tensors> {
  if (trainsStreams(tensors) || !folder.has("complementary")) return tensors;
  return folder.tensors("complementary");
}

/**
 * Computes one case and compares everything its file holds.
 *
 * @throws KdcError for a case that is not known, or files that do not fit the folder's config
 */
export async function measureCase(
  execute: Execute,
  folder: ReferenceFolder,
  name: string,
  reference: ReferenceCase,
): Promise<CaseErrors> {
  const tensors = await folder.caseTensors(name);
  const plan = planCase(name, reference, await witness(folder, tensors));
  const config: ModelConfig = {
    ...folder.config,
    ...plan.tokens,
    positions: "grad.pos_embed_a" in tensors ? "learned" : folder.config.positions,
  };
  const inputs = await folder.tensors("inputs");
  const views = referenceViews(inputs, config, folder.index.config.maskRatio, plan);
  const given = {
    params: { model: loadModel(config, await folder.weights(name)).params, weighting: {} },
    batch: { patches: referencePatches(inputs, config), views },
  } as Hosted<Inputs>;
  const program = await execute(caseFunction(config, plan), given);
  const result = await program.run(given);
  await program.dispose();

  const parts: Record<string, number> = {};
  const outputs: Record<string, number> = {};
  const partFloor = smallPart * Math.abs(reference.loss);
  for (const [v, view] of result.views.entries()) {
    const named = new Map(treeLeaves<HostTensor>(view.parts));
    for (const [part, expected] of Object.entries(reference.views[v] ?? {})) {
      // Without the contrastive term the official code gives 0 for its value and its accuracy: nothing to compare.
      if (part.includes("contrastive") && weightOf(plan, "contrastive") === 0) continue;
      const ours = named.get(part)?.data ?? [];
      parts[`view${v}.${part}`] = relativeError(ours, [expected], partFloor);
    }
    for (const [output, leaf] of treeLeaves<HostTensor>(view.outputs)) {
      outputs[`view${v}.${output}`] = relativeError(leaf.data, tensors[`view${v}.${output}`]?.data ?? []);
    }
    for (const modality of ["audio", "visual"] as const) {
      const key = `view${v}.mask_${modality}`;
      if (key in tensors) outputs[key] = relativeError(maskOf(views[v][modality]), tensors[key].data);
    }
  }
  if (reference.views.length !== plan.views) parts.views = Number.POSITIVE_INFINITY;
  if (reference.distillation !== undefined) {
    const ours = result.distillation.value === undefined ? [] : value(result.distillation.value);
    parts.weighted_kd_per_sample = relativeError(ours, reference.distillation, partFloor);
  }
  const gradients = gradientErrors(
    officialTensors(config, result.gradients.model as ModelParams<FloatTensor>),
    tensors,
  );
  const loss = relativeError(value(result.total), [reference.loss]);
  const pass =
    [loss, worst(parts), worst(outputs)].every((error) => error <= limits.values) &&
    Object.keys(gradients).length > 0 &&
    worst(gradients) <= limits.gradients;
  return { loss, parts, outputs, gradients, pass };
}
