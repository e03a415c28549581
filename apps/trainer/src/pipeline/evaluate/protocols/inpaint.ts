import type { FloatTensor, IntTensor, Modality } from "@kdc-mae/core";
import { type Conduct, inpainting, type Protocol, standardUnits } from "@kdc-mae/eval";
import { randomViews, structuredViews } from "@kdc-mae/masking";
import { byRecording } from "../parts-of-recordings.js";
import { dealtBy, firstClips, reconstructClips } from "../reconstruct.js";
import { restoredTargets } from "../run-in-words.js";
import { type Carried, evaluatedSet, type Subject } from "./subject.js";
import { scoredModel } from "./takes.js";

/** Inpainting under one mask. */
export async function inpaintClips(
  protocol: Protocol,
  { mask, ratio }: Extract<Conduct, { task: "inpainting" }>,
  subject: Subject,
): Promise<Carried> {
  const { saved, execute, cutting, leftOut, onProgress } = subject;
  const { config, params, experiment } = scoredModel(saved);
  const targets = restoredTargets(experiment);
  onProgress(protocol.name);
  const masker =
    mask === "random" ? randomViews({ views: 1, ratio }) : structuredViews({ axis: mask, views: 1, ratio });
  const deal = dealtBy(masker, cutting.form.grids);
  async function* batches() {
    const clips = evaluatedSet(subject).read();
    for await (const made of reconstructClips(clips, { execute, config, params }, cutting, deal, experiment.seed)) {
      const pair = (modality: Modality) => {
        const first = <T extends FloatTensor | IntTensor>(tensor: T) => firstClips(tensor, made.clips.length);
        const { visible, hidden } = made.views[0][modality];
        return {
          ...{ target: first(made.patches[modality]), predicted: first(made.predictions[0][modality]) },
          ...{ visible: first(visible), hidden: first(hidden) },
        };
      };
      yield { audio: pair("audio"), visual: pair("visual") };
    }
  }
  const units = { ...standardUnits, audio: { ...standardUnits.audio, deviation: [cutting.statistics.std] } };
  return {
    head: "inpainting",
    result: await inpainting({
      batches: batches(),
      targets,
      mask,
      protocol,
      units,
      leftOut,
      ...byRecording(evaluatedSet(subject).items),
    }),
  };
}
