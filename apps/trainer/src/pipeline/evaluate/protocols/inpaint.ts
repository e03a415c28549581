import type { Protocol } from "@kdc-mae/eval";
import { inpaintingSection, type ResultSection } from "@kdc-mae/eval/report";
import { randomViews, structuredViews } from "@kdc-mae/masking";
import { restoredTargets } from "../run-in-words.js";
import { inpaint } from "../tasks.js";
import type { ProtocolPlan } from "./plan.js";
import { evaluatedSet, refuseModel, type Subject } from "./subject.js";

/**
 * Inpainting under one mask.
 *
 * @throws KdcError for a classifier, which has no decoder, and for a model of normalised pixels unless told to bring
 * them back
 */
export async function inpaintClips(
  protocol: Protocol,
  { mask, ratio }: Extract<ProtocolPlan, { task: "inpainting" }>,
  subject: Subject,
): Promise<ResultSection> {
  const { saved, execute, leftOut, denormalize, onProgress } = subject;
  if (!("model" in saved)) {
    return refuseModel(
      protocol.name,
      "the model is a classifier, which has no decoder any more",
      "Give the pretrained model it was tuned from",
    );
  }
  const { config, params, experiment } = saved.model;
  const targets = restoredTargets(experiment);
  const normalized = (["audio", "visual"] as const).filter((modality) => targets[modality] !== "raw");
  if (normalized.length > 0 && !denormalize) {
    refuseModel(
      protocol.name,
      `the model was trained on normalised ${normalized.join(" and ")} pixels, so what it predicts is no picture and no error of one`,
      "Evaluate a model trained without normPixels, or give --denormalize to borrow the true patches' mean and deviation; the protocol then says so",
    );
  }
  const masker =
    mask === "random" ? randomViews({ views: 1, ratio }) : structuredViews({ axis: mask, views: 1, ratio });
  onProgress(protocol.name);
  const result = await inpaint(evaluatedSet(subject).read(), { execute, config, params }, subject.cutting, {
    ...{ ratio, seed: experiment.seed, leftOut, protocol, mask: { kind: mask, masker } },
    targets,
  });
  return inpaintingSection(result);
}
