import type { ClipGrids } from "@kdc-mae/core";
import { createRng, type HostPatches, type HostView, type Rng } from "@kdc-mae/core";
import { assembleBatch, makeSample } from "@kdc-mae/data";
import { batchViews, type Masker } from "@kdc-mae/masking";
import type { Statistics } from "../corpus/batch.js";
import { type DataDigest, type RunData, runDataOf } from "../corpus/data-digest.js";
import { frontEndFor } from "../corpus/front-end.js";
import { recordingOf, sampleFrontEnd } from "../corpus/recording.js";
import { stepsPerEpoch } from "../corpus/steps-per-epoch.js";
import type { StoredClip } from "../corpus/stored-clip.js";

/** One step's input, without the teacher. */
export type MaskedBatch = {
  readonly patches: HostPatches;
  readonly views: readonly HostView[];
  /** In place of views that are still to be drawn: one random stream per clip. */
  readonly streams?: readonly Rng[];
};

/** The views of a batch's clips, or what they will be drawn with. */
export const maskBatch = (
  masker: Masker | undefined,
  grids: ClipGrids,
  streams: readonly Rng[],
): Pick<MaskedBatch, "views" | "streams"> =>
  masker === undefined ? { views: [], streams } : { views: batchViews(streams.map((stream) => masker(grids, stream))) };

/** Batches of an epoch from a given one on; every epoch has the same number. */
export type BatchSource = {
  readonly stepsPerEpoch: number;
  /** What the clips are, so that a run that goes on knows them again. */
  readonly data?: RunData;
  batches(epoch: number, from: number): AsyncIterable<MaskedBatch>;
};

/**
 * Batches of clips held in memory. Every epoch shows each clip once (the last, partial batch is dropped), with a random
 * picture. What happens to a clip depends on seed, epoch and clip alone, so any batch can be made again.
 */
export function memorySource(options: {
  readonly clips: readonly StoredClip[];
  readonly grids: ClipGrids;
  readonly statistics: Statistics;
  /** None where views are drawn by a network, later. */
  readonly masker: Masker | undefined;
  readonly batch: number;
  readonly seed: number;
  /** Of every clip that the data name; those given unless told. */
  readonly named?: DataDigest;
  /** Noise and a circular time shift over the whole spectrogram, as the reference pretraining has them. */
  readonly noise?: boolean;
}): BatchSource {
  const { clips, grids, statistics, masker, batch, seed, noise = false } = options;
  const steps = stepsPerEpoch(clips.length, batch);
  const root = createRng(seed);
  const front = frontEndFor(grids);
  const frontEnd = sampleFrontEnd(front, statistics, grids);
  const recipe = { frontEnd, augment: { noiseAndShift: noise }, picture: "random", smoothing: 0 } as const;
  return {
    stepsPerEpoch: steps,
    data: runDataOf(
      clips.map(({ item }) => item),
      options.named,
    ),
    async *batches(epoch, from) {
      const order = root.fork("order").fork(epoch).permutation(clips.length);
      for (let step = from; step < steps; step++) {
        const chosen = [...order.subarray(step * batch, (step + 1) * batch)].map((index) => clips[index]);
        const streams = chosen.map(({ item }) => root.fork("clip").fork(epoch).fork(item.id));
        const samples = chosen.map((clip, at) => makeSample(recordingOf(clip, front.imageSize), recipe, streams[at]));
        yield {
          patches: assembleBatch(await Promise.all(samples)),
          ...maskBatch(
            masker,
            grids,
            streams.map((stream) => stream.fork("mask")),
          ),
        };
      }
    },
  };
}
