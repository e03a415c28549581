import type { FloatTensor, HostPatches } from "@kdc-mae/core";
import type { RunData } from "../corpus/data-digest.js";
import type { BatchRecipe, TrainingBatches } from "../corpus/held-clips.js";
import type { CheckedFineTuning } from "./schema.js";

/** One step's clips with their soft targets `[B, C]`. */
export type LabelledBatch = { readonly patches: HostPatches; readonly targets: FloatTensor };

/** Batches of an epoch from a given one on; every epoch has the same number. */
export type LabelledSource = {
  readonly stepsPerEpoch: number;
  /** What the clips are, so that a run that goes on knows them again. */
  readonly data?: RunData;
  /** How many of them count as one batch of the experiment; 1 unless given. */
  readonly pieces?: number;
  /** Those that are not wanted are left out. */
  batches(epoch: number, from: number, wanted?: (batch: number) => boolean): AsyncIterable<LabelledBatch>;
  close(): Promise<void>;
};

/** What a fine-tuning does to clips at random, and how it draws them. */
export const recipeOf = (
  { seed, training, loss, sampling, audio, mixup, data }: CheckedFineTuning,
  known: Pick<BatchRecipe, "statistics" | "classes">,
): BatchRecipe => ({
  ...{ ...known, seed, batch: training.batch, workers: data.workers },
  ...{ smoothing: loss.labelSmoothing, balanced: sampling === "balanced" },
  augment: {
    noiseAndShift: audio.noise,
    ...(audio.specAugment ? { specAugment: audio.specAugment } : {}),
    ...(mixup ? { mixup } : {}),
  },
});

/** The batches of clips that have classes. */
export const labelledBatches = (loader: TrainingBatches): LabelledSource => ({
  ...{ stepsPerEpoch: loader.stepsPerEpoch, data: loader.data, close: loader.close },
  async *batches(epoch, from, wanted) {
    for await (const { patches, targets } of loader.batches(epoch, from, wanted)) {
      if (targets !== undefined) yield { patches, targets };
    }
  },
});
