import type { FloatTensor } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import type { Execute } from "@kdc-mae/engine";
import { kindsOf } from "@kdc-mae/eval";
import type { ReportInput } from "@kdc-mae/eval/report";
import type { ModelConfig, ModelParams } from "@kdc-mae/model";
import { spread } from "../corpus/open-corpus.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { Cutting } from "./cutting.js";
import { embedClips } from "./embed-clips.js";
import { pictureClips, stripsAt } from "./picture-clips.js";
import { retrievalExamples } from "./pictures.js";
import { restoredNote, restoredTargets } from "./run-in-words.js";
import { inpaint, localize, probes, retrieve } from "./tasks.js";

/** Clips by what they are for. */
export type Splits = Readonly<Record<"train" | "validation" | "test", readonly StoredClip[]>>;

export type EvaluationOptions = {
  readonly splits: Splits;
  readonly model: {
    readonly execute: Execute;
    readonly config: ModelConfig;
    readonly params: ModelParams<FloatTensor>;
  };
  readonly cutting: Cutting;
  /** The experiment that made the model: its seed draws the masks, its mask ratio is the one inpainted at. */
  readonly experiment: CheckedExperiment;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly onProgress?: (what: string) => void;
};

/** The part of a report that evaluation fills in. */
export type Evaluation = Pick<
  ReportInput,
  | "dataset"
  | "retrieval"
  | "classification"
  | "inpainting"
  | "localization"
  | "clips"
  | "inpaintingStrips"
  | "retrievalExamples"
  | "pictureNote"
>;

const PICTURED_CLIPS = 8;
const STRIPS = 3;

/** All four tasks on the test clips, with pictures. Nothing is drawn at random that the seed does not decide. */
export async function evaluateTasks(options: EvaluationOptions): Promise<Evaluation> {
  const { splits, model, cutting, experiment, leftOut, onProgress = () => undefined } = options;
  const { seed } = experiment;
  const { audioRatio, visualRatio: ratio } = experiment.masking;
  const kinds = kindsOf(Object.values(splits).flatMap((clips) => clips.flatMap(({ item }) => item.labels)));
  onProgress("embedding");
  const all = await embedClips([...splits.train, ...splits.validation, ...splits.test], model, cutting);
  const [first, second] = [splits.train.length, splits.train.length + splits.validation.length];
  const embedded = { train: all.slice(0, first), validation: all.slice(first, second), test: all.slice(second) };
  onProgress("retrieval");
  const found = retrieve(embedded.test, leftOut);
  onProgress("linear probes");
  const classification = kinds.length > 1 ? probes(kinds, embedded, leftOut) : undefined;
  onProgress("inpainting");
  const targets = restoredTargets(experiment);
  const filled = await inpaint(splits.test, model, cutting, { ratio, seed, targets, leftOut });
  onProgress("localization");
  const located = await localize(embedded.test, model.config, leftOut);
  onProgress("pictures");
  const chosen = spread([...splits.test.keys()], PICTURED_CLIPS);
  const pictured = chosen.map((index) => splits.test[index]);
  const clips = await pictureClips(pictured, embedded.test, model, cutting, { seed, ratio, audioRatio, targets });
  const inpaintingStrips = await stripsAt(pictured.slice(0, STRIPS), model, cutting, { seed, targets });
  return {
    dataset: {
      train: splits.train.length,
      validation: splits.validation.length,
      test: splits.test.length,
      kinds,
      leftOut,
    },
    retrieval: found,
    ...(classification === undefined ? {} : { classification }),
    inpainting: [filled],
    ...(located === undefined ? {} : { localization: located }),
    clips,
    inpaintingStrips,
    ...restoredNote(targets),
    retrievalExamples: await retrievalExamples(embedded.test, chosen.slice(0, 5), model.config, cutting),
  };
}
