import { KdcError } from "@kdc-mae/core";
import { expectWritableFile } from "@kdc-mae/core/node";
import { type Assumption, assumptionLine } from "./assume.js";
import { officialIn } from "./official-file.js";
import type { ReadOptions } from "./read-saved.js";
import { saveClassifier } from "./save-classifier.js";
import { saveModel } from "./save-model.js";
import { tensorsOfModel } from "./tensors-of-model.js";

/** What a conversion wrote. */
export type ConvertedModel = {
  readonly file: string;
  readonly kind: "pretrained" | "classifier";
  readonly classes?: number;
  /** What the file now says that its tensors did not. */
  readonly assumed: readonly Assumption[];
  /** Tensors that no forward pass reads and that were carried along. */
  readonly unused: number;
};

/**
 * Writes an official checkpoint as a self-contained file, so that nothing has to be assumed again.
 *
 * @throws KdcError for a file that is no official checkpoint, or says everything already
 */
export async function convertModel(from: string, to: string, options: ReadOptions = {}): Promise<ConvertedModel> {
  await expectWritableFile(to);
  const { tensors, metadata } = await tensorsOfModel(from, options);
  if (metadata.config !== undefined) {
    throw new KdcError({
      where: `checkpoint ${from}`,
      what: "kdc-mae wrote it: it holds everything that is needed",
      remedy: "Use it as it is",
      reason: "wrong-model",
    });
  }
  const saved = officialIn(from, tensors, options.assume);
  const { assumed = [] } = "model" in saved ? saved.model : saved.classifier;
  for (const assumption of assumed) options.onNote?.(`${from}: ${assumptionLine(assumption)}`);
  if ("model" in saved) await saveModel(to, saved.model, saved.unused);
  else await saveClassifier(to, saved.classifier, saved.unused);
  return {
    ...{ file: to, kind: "model" in saved ? "pretrained" : "classifier", assumed },
    ...("model" in saved ? {} : { classes: saved.classifier.classes.length }),
    unused: Object.keys(saved.unused).length,
  };
}
