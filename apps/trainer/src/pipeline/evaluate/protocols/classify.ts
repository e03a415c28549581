import { type Conduct, type Protocol, varyProtocol } from "@kdc-mae/eval";
import type { ClassifierMode } from "@kdc-mae/model";
import { expectClasses } from "../../finetune/classes.js";
import { byRecording } from "../parts-of-recordings.js";
import { createPredictor, linkOf } from "../predict.js";
import { isSingleLabel, scoreClasses } from "../score-classes.js";
import { type Carried, evaluatedSet, type Subject } from "./subject.js";
import { scoredClassifier } from "./takes.js";

const inWords: Readonly<Record<ClassifierMode, { readonly mode: string; readonly pooling: string }>> = {
  multimodal: {
    mode: "joint pass of a fine-tuned model",
    pooling: "mean of the joint tokens (audio and visual), then the model's own head",
  },
  "audio-only": {
    mode: "audio-only pass of a model fine-tuned on sound alone",
    pooling: "mean of the audio tokens, then the model's own head",
  },
  "visual-only": {
    mode: "visual-only pass of a model fine-tuned on pictures alone",
    pooling: "mean of the visual tokens, then the model's own head",
  },
  "missing-audio": { mode: "", pooling: "" },
  "missing-visual": { mode: "", pooling: "" },
};

/**
 * Scores a fine-tuned classifier.
 *
 * @throws KdcError for labels that are no classes of the model, NaN scores
 */
export async function classifyClips(
  protocol: Protocol,
  plan: Extract<Conduct, { task: "classification" }>,
  subject: Subject,
): Promise<Carried> {
  const { saved, execute, cutting, leftOut, onProgress, signal } = subject;
  const { config, params, classes, experiment, weights } = scoredClassifier(saved);
  const mode: ClassifierMode = plan.missing === undefined ? experiment.mode : `missing-${plan.missing}`;
  const link = linkOf(experiment);
  const clips = evaluatedSet(subject);
  expectClasses(`${subject.split} clips`, clips.items, classes, link === "softmax" ? "one" : "any");
  const predictor = createPredictor(execute, {
    ...{ config, mode, link, frames: plan.frames, cutting },
  });
  try {
    const predicted = await predictor.predict(
      params,
      clips,
      (done) => onProgress(`${protocol.name}: ${done}/${clips.items.length}`),
      signal,
    );
    const told = varyProtocol(protocol, {
      name: protocol.name,
      ...(plan.missing === undefined ? inWords[mode] : {}),
      notes: [
        `weights: ${weights}; fine-tuned ${experiment.mode}, ${experiment.tune}, ${experiment.loss.kind}`,
        ...(mode === "audio-only" || mode === "missing-visual" ? ["no picture is looked at"] : []),
      ],
    });
    const result = scoreClasses(classes, link, predicted, { protocol: told, leftOut, ...byRecording(clips.items) });
    return isSingleLabel(result) ? { head: "classification", result } : { head: "tagging", result };
  } finally {
    await predictor.dispose();
  }
}
