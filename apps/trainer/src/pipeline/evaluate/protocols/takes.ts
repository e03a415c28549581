import type { ProtocolRecord } from "@kdc-mae/eval";
import type { SavedClassifier } from "../../run/classifier-file.js";
import type { SavedModel } from "../../run/model-file.js";
import type { Saved } from "../../run/read-saved.js";
import { restoredTargets } from "../run-in-words.js";
import { refuseModel, type Subject } from "./subject.js";

/** What of a model says whether a protocol takes it: kind, sizes, and how it was trained. A model that is yet to be trained has these too. */
export type Candidate =
  | { readonly model: Pick<SavedModel, "config" | "experiment"> }
  | { readonly classifier: Pick<SavedClassifier, "config" | "experiment"> };

/** What is given to protocols beside the model and the clips. */
export type GivenBeside = Pick<Subject, "denormalize" | "vggsounder">;

/**
 * Whether a protocol takes a model. Nothing of the clips is asked, so that it can be said before any is read.
 *
 * @throws KdcError (`protocol`) for a model without the head, the decoder or the tokens that it looks at, one tuned to a
 * modality alone where one is to be missing, and normalised pixels that are not to be brought back
 */
export function expectTaken({ protocol, conduct }: ProtocolRecord, saved: Candidate, given: GivenBeside): void {
  function refuse(what: string, remedy: string): never {
    refuseModel(protocol.name, what, remedy);
  }
  if (conduct.task === "classification") {
    if (!("classifier" in saved)) {
      refuse(
        "the model is pretrained and has no classes",
        "Give a classifier that kdc-mae finetune made, or use linear-probe-joint, linear-probe-audio, linear-probe-visual",
      );
    }
    const { mode } = saved.classifier.experiment;
    if (conduct.missing !== undefined && mode !== "multimodal") {
      refuse(
        `the classifier was fine-tuned with mode ${mode}: it takes one modality, and none can be missing`,
        "Give one that was fine-tuned with mode multimodal, or use classification-middle-frame",
      );
    }
  }
  if (conduct.task === "vggsounder") {
    if (!("classifier" in saved) || saved.classifier.experiment.mode !== "multimodal") {
      refuse(
        "the model is not a classifier of both sound and pictures",
        "Give one that kdc-mae finetune made with mode multimodal",
      );
    }
    if (given.vggsounder === undefined) {
      refuse("there are no labels to score against", "Give VGGSounder's vggsounder.csv with --vggsounder");
    }
  }
  if (conduct.task === "retrieval" && conduct.tokens === "global") {
    const { config } = "model" in saved ? saved.model : saved.classifier;
    if (!config.globalToken) {
      refuse("the model has no global tokens", "Use a protocol of the mean token, without -global");
    }
  }
  if (conduct.task === "inpainting") {
    if (!("model" in saved)) {
      refuse(
        "the model is a classifier, which has no decoder any more",
        "Give the pretrained model it was fine-tuned from",
      );
    }
    const targets = restoredTargets(saved.model.experiment);
    const normalized = (["audio", "visual"] as const).filter((modality) => targets[modality] !== "raw");
    if (normalized.length > 0 && !given.denormalize) {
      refuse(
        `the model was trained on normalised ${normalized.join(" and ")} pixels, so its predictions are not pixels, and their error would not be one of pixels`,
        "Evaluate a model trained without normPixels, or give --denormalize to borrow the true patches' mean and deviation; the protocol then says so",
      );
    }
  }
}

/** The classifier of a protocol that takes no other model. */
export const scoredClassifier = (saved: Saved): SavedClassifier => {
  if ("classifier" in saved) return saved.classifier;
  throw new Error("expectTaken is asked before a protocol is carried out");
};

/** The pretrained model of a protocol that takes no other. */
export const scoredModel = (saved: Saved): SavedModel => {
  if ("model" in saved) return saved.model;
  throw new Error("expectTaken is asked before a protocol is carried out");
};
