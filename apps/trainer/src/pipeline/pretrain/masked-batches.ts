import { type ClipGrids, createRng, type HostPatches, type HostView, type Rng } from "@kdc-mae/core";
import { batchViews, type Masker } from "@kdc-mae/masking";
import type { RunData } from "../corpus/data-digest.js";
import type { TrainingBatches, TrainingClips } from "../corpus/held-clips.js";
import type { Statistics } from "../corpus/statistics.js";
import type { CheckedExperiment } from "../experiment/schema.js";
import type { Ranks } from "../ranks/ranks.js";
import { configFor } from "../run/model-file.js";
import { updatesOf } from "../train/epochs.js";
import { inPieces } from "./in-pieces.js";
import { contrastMaskerFor, maskerFor } from "./masker.js";

/** One step's input, without the teacher. */
export type MaskedBatch = {
  readonly patches: HostPatches;
  readonly views: readonly HostView[];
  /** Views of the contrast alone, where it has a pattern of its own and chance draws it. */
  readonly contrast?: readonly HostView[];
  /** In place of views that are still to be drawn: one random stream per clip. */
  readonly streams?: readonly Rng[];
};

/** The views of a batch's clips, or what they will be drawn with where no masker deals them. */
export const maskBatch = (
  masker: Masker | undefined,
  grids: ClipGrids,
  streams: readonly Rng[],
): Pick<MaskedBatch, "views" | "streams"> =>
  masker === undefined ? { views: [], streams } : { views: dealt(masker, grids, streams) };

const dealt = (masker: Masker, grids: ClipGrids, streams: readonly Rng[]): readonly HostView[] =>
  batchViews(streams.map((stream) => masker(grids, stream)));

/** Batches of an epoch from a given one on; every epoch has the same number. */
export type BatchSource = {
  readonly stepsPerEpoch: number;
  /** What the clips are, so that a run that goes on knows them again. */
  readonly data?: RunData;
  /** How many of them count as one batch of the experiment; 1 unless given. */
  readonly pieces?: number;
  /** Those that are not wanted are left out. */
  batches(epoch: number, from: number, wanted?: (batch: number) => boolean): AsyncIterable<MaskedBatch>;
};

/** What a pretraining learns from: its batches, what they are normalised with, and what is to be closed after. */
export type PretrainBatches = {
  readonly source: BatchSource;
  readonly statistics: Statistics;
  readonly loader: TrainingBatches;
};

/**
 * Masks ready batches. What happens to a clip depends on seed, epoch and clip alone, so any batch can be made again.
 *
 * @param masking.masker none where views are drawn by a network, later
 * @param masking.contrast draws the views of the contrast alone, where it has such and chance draws them
 */
export function maskedSource(
  loader: TrainingBatches,
  {
    masker,
    contrast,
    grids,
    seed,
  }: {
    readonly masker: Masker | undefined;
    readonly contrast?: Masker;
    readonly grids: ClipGrids;
    readonly seed: number;
  },
): BatchSource {
  const root = createRng(seed).fork("clip");
  return {
    ...{ stepsPerEpoch: loader.stepsPerEpoch, data: loader.data },
    async *batches(epoch, from, wanted) {
      for await (const { patches, samples } of loader.batches(epoch, from, wanted)) {
        const streams = samples.map(({ id }) => root.fork(epoch).fork(id).fork("mask"));
        const apart = streams.map((stream) => stream.fork("contrast"));
        yield {
          ...{ patches, ...maskBatch(masker, grids, streams) },
          ...(contrast === undefined ? {} : { contrast: dealt(contrast, grids, apart) }),
        };
      }
    },
  };
}

/** The batches an experiment trains on, in the pieces they are computed in: each clip once an epoch, with a random picture. */
export async function maskedBatches(
  experiment: CheckedExperiment,
  clips: TrainingClips,
  ranks: Pick<Ranks, "size"> = { size: 1 },
): Promise<PretrainBatches> {
  const { seed, audio, data } = experiment;
  const { pieces, piece } = inPieces(experiment, ranks);
  const statistics = audio.statistics === "measured" ? await clips.measure() : audio.statistics;
  const loader = await clips.open({
    ...{ statistics, seed, batch: piece.training.batch, workers: data.workers },
    augment: { noiseAndShift: audio.noise },
  });
  try {
    // Of enough clips for a piece there may be too few for a batch.
    updatesOf(loader.samples, experiment.training);
  } catch (error) {
    await loader.close();
    throw error;
  }
  const masking = { masker: maskerFor(experiment), contrast: contrastMaskerFor(experiment) };
  const source = maskedSource(loader, { ...masking, grids: configFor(experiment), seed });
  return { statistics, loader, source: { ...source, pieces } };
}
